-- Notifications that were authentic and could not be applied: a person looks for these few among all.
create index notices_with_problem on notices (received_at, channel, notice_id)
    where verdict not in ('payment', 'refund', 'refund hint', 'refund known', 'ambiguous', 'other');
