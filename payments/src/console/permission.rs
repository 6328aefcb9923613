//! Permissions, and the one table of what each role may do.

use crate::api_keys::Scope;
use crate::users::Role;

domain::words! {
    /// Permission for one kind of act. Its word is its name in refusals.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Permission {
        /// See orders, payments, refunds, figures and incidents.
        Look => "look",
        /// Read notifications word for word: they contain payer data.
        ReadMessages => "read_messages",
        /// Export many rows as a file.
        Export => "export",
        /// Query a gateway about a payment, write a note, resolve an incident.
        Handle => "handle",
        /// Make orders and payment links by hand, and close them.
        MakeOrders => "make_orders",
        RequestRefund => "request_refund",
        /// Approve a colleague's request; refund more than the threshold.
        ApproveRefund => "approve_refund",
        /// Adjust a user's balance.
        AdjustBalance => "adjust_balance",
        /// Bring a statement, explain a difference, close a day.
        Reconcile => "reconcile",
        /// Test a gateway.
        Operate => "operate",
        ManageKeys => "manage_keys",
        ReadAudit => "read_audit",
        ManageUsers => "manage_people",
    }
}

use Permission::{
    AdjustBalance, ApproveRefund, Export, Handle, Look, MakeOrders, ManageKeys, Operate, ReadAudit,
    ReadMessages, Reconcile, RequestRefund,
};

impl Role {
    /// Permissions of this role.
    pub const fn permissions(self) -> &'static [Permission] {
        match self {
            Role::Owner => &Permission::ALL,
            Role::Finance => &[
                Look,
                ReadMessages,
                Export,
                Handle,
                MakeOrders,
                RequestRefund,
                ApproveRefund,
                AdjustBalance,
                Reconcile,
                ReadAudit,
            ],
            Role::Support => &[Look, Handle, MakeOrders, RequestRefund],
            Role::Developer => &[Look, ReadMessages, Operate, ManageKeys],
            Role::Viewer => &[Look],
        }
    }

    /// Scopes of the API keys that this role may create: a key may not pay out more than its creator. `refund` pays out
    /// without a second person, so it needs the permission to approve.
    pub const fn scopes(self) -> &'static [Scope] {
        match self {
            Role::Owner => &Scope::ALL,
            Role::Finance => &[Scope::Read, Scope::Refund],
            Role::Developer => &[Scope::Read, Scope::Pay],
            Role::Support | Role::Viewer => &[Scope::Read],
        }
    }

    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_may_do_everything_and_a_viewer_may_only_look() {
        for permission in Permission::ALL {
            assert!(Role::Owner.may(permission));
            assert_eq!(Role::Viewer.may(permission), permission == Look);
        }
    }

    #[test]
    fn no_role_both_makes_keys_and_moves_money() {
        for role in [Role::Finance, Role::Support, Role::Developer, Role::Viewer] {
            assert!(!(role.may(ManageKeys) && role.may(RequestRefund)), "{role:?}");
            assert!(!role.may(Permission::ManageUsers), "{role:?}");
        }
    }
}
