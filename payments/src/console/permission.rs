//! The one table of who may do what.

use crate::admin::{Role, Scope};

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Orders, payments, refunds, figures, what needs attention.
    Look,
    /// What a gateway wrote, word for word: it holds what is known of payers.
    ReadMessages,
    /// Many rows at once, as a file.
    Export,
    /// Ask a gateway about a payment, write a note, settle what needs attention.
    Handle,
    RequestRefund,
    /// Decide on what a colleague asked for; give back more than the threshold.
    ApproveRefund,
    /// Correct what a user has.
    AdjustBalance,
    /// Test a gateway.
    Operate,
    ManageKeys,
    ReadAudit,
    ManagePeople,
}

use Permission::{
    AdjustBalance, ApproveRefund, Export, Handle, Look, ManageKeys, ManagePeople, Operate, ReadAudit,
    ReadMessages, RequestRefund,
};

impl Permission {
    pub const ALL: [Permission; 11] = [
        Look,
        ReadMessages,
        Export,
        Handle,
        RequestRefund,
        ApproveRefund,
        AdjustBalance,
        Operate,
        ManageKeys,
        ReadAudit,
        ManagePeople,
    ];

    /// How a refusal names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Look => "look",
            ReadMessages => "read_messages",
            Export => "export",
            Handle => "handle",
            RequestRefund => "request_refund",
            ApproveRefund => "approve_refund",
            AdjustBalance => "adjust_balance",
            Operate => "operate",
            ManageKeys => "manage_keys",
            ReadAudit => "read_audit",
            ManagePeople => "manage_people",
        }
    }
}

impl Role {
    /// Everything this role may do.
    pub const fn permissions(self) -> &'static [Permission] {
        match self {
            Role::Owner => &Permission::ALL,
            Role::Finance => &[
                Look,
                ReadMessages,
                Export,
                Handle,
                RequestRefund,
                ApproveRefund,
                AdjustBalance,
                ReadAudit,
            ],
            Role::Support => &[Look, Handle, RequestRefund],
            Role::Developer => &[Look, ReadMessages, Operate, ManageKeys],
            Role::Viewer => &[Look],
        }
    }

    /// Scopes of the API keys that this role may make: a program gives out no money that its maker may not give out. `refund`
    /// pays out without a second person, so it needs somebody who may approve.
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
    fn who_makes_keys_moves_no_money_and_who_moves_money_makes_no_keys() {
        for role in [Role::Finance, Role::Support, Role::Developer, Role::Viewer] {
            assert!(!(role.may(ManageKeys) && role.may(RequestRefund)), "{role:?}");
            assert!(!role.may(ManagePeople), "{role:?}");
        }
    }
}
