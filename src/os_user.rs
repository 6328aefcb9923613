//! Operating system user that runs a command, for the audit log.

use std::os::unix::fs::MetadataExt as _;

use payments::console::Actor;

/// Returns the actor for commands, for the audit log.
pub fn command_visit() -> Actor {
    Actor::of_command(&os_user())
}

/// Name of the process's user, from the system: an environment variable could be forged.
fn os_user() -> String {
    let Ok(process) = std::fs::metadata("/proc/self") else {
        return "unknown".to_owned();
    };
    let uid = process.uid();
    let names = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(uid, &names).unwrap_or_else(|| uid.to_string())
}

fn name_of(uid: u32, passwd: &str) -> Option<String> {
    let wanted = uid.to_string();
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(wanted.as_str())).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_their_number() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/sh\n";
        assert_eq!(name_of(1000, passwd).as_deref(), Some("ann"));
        assert_eq!(name_of(10, passwd), None);
    }
}
