-- What a refund was written for: one call of the API, one form, one surplus payment, the place of one failed refund. The
-- audit finds two refunds of one cause. Rows of earlier versions have none.
alter table refunds add column cause text;
