//! Small mutations of a genuine message: random bytes rarely parse at all.

use bolero::TypeGenerator;

#[derive(Debug, Clone, TypeGenerator)]
pub enum Damage {
    Set(u16, u8),
    Insert(u16, u8),
    Remove(u16),
    Truncate(u16),
    Double(u16, u8),
}

pub fn damaged(message: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut bytes = message.to_vec();
    for damage in damages {
        let place = |at: u16| usize::from(at) % bytes.len().max(1);
        match damage {
            _ if bytes.is_empty() => {}
            Damage::Set(at, byte) => {
                let at = place(*at);
                bytes[at] = *byte;
            }
            Damage::Insert(at, byte) => {
                let at = place(*at);
                bytes.insert(at, *byte);
            }
            Damage::Remove(at) => {
                let at = place(*at);
                bytes.remove(at);
            }
            Damage::Truncate(at) => bytes.truncate(place(*at)),
            Damage::Double(at, length) => {
                let from = place(*at);
                let to = (from + usize::from(*length)).min(bytes.len());
                let part = bytes[from..to].to_vec();
                bytes.splice(to..to, part);
            }
        }
    }
    bytes
}
