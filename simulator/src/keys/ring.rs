//! The raw key pairs: generated in parallel once a process, or read from a directory.

use std::convert::Infallible;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use aes_gcm::aead::Generate as _;
use rsa::PrivateKey;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::rand_core::{TryCryptoRng, TryRng};

const BITS: usize = 2048;
const NAMES: [&str; 7] = [
    "merchant",
    "wechat",
    "certificate_a",
    "certificate_b",
    "alipay_app",
    "alipay",
    "stranger",
];

#[derive(Clone)]
pub(super) struct Ring {
    pub(super) merchant: Arc<PrivateKey>,
    pub(super) wechat: Arc<PrivateKey>,
    pub(super) certificate_a: Arc<PrivateKey>,
    pub(super) certificate_b: Arc<PrivateKey>,
    pub(super) alipay_app: Arc<PrivateKey>,
    pub(super) alipay: Arc<PrivateKey>,
    pub(super) stranger: Arc<PrivateKey>,
}

impl Ring {
    fn new(keys: [Arc<PrivateKey>; 7]) -> Ring {
        let [
            merchant,
            wechat,
            certificate_a,
            certificate_b,
            alipay_app,
            alipay,
            stranger,
        ] = keys;
        Ring {
            merchant,
            wechat,
            certificate_a,
            certificate_b,
            alipay_app,
            alipay,
            stranger,
        }
    }

    fn keys(&self) -> [&PrivateKey; 7] {
        [
            &self.merchant,
            &self.wechat,
            &self.certificate_a,
            &self.certificate_b,
            &self.alipay_app,
            &self.alipay,
            &self.stranger,
        ]
    }
}

/// A directory that holds all keys is believed; else it is filled.
pub(super) fn load(dir: Option<&Path>) -> io::Result<Ring> {
    let Some(dir) = dir else { return Ok(made().clone()) };
    let kept = NAMES.map(|name| fs::read_to_string(path_of(dir, name)));
    if kept.iter().all(Result::is_ok) {
        let mut keys = Vec::with_capacity(NAMES.len());
        for pem in kept {
            keys.push(Arc::new(
                PrivateKey::from_pkcs8_pem(&pem?).map_err(io::Error::other)?,
            ));
        }
        return Ok(Ring::new(keys.try_into().expect("as many keys as names")));
    }
    let ring = made().clone();
    fs::create_dir_all(dir)?;
    for (name, key) in NAMES.iter().zip(ring.keys()) {
        write_private(&path_of(dir, name), &super::private_pem(key))?;
    }
    Ok(ring)
}

fn path_of(dir: &Path, name: &str) -> std::path::PathBuf {
    dir.join(format!("{name}.pem"))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

fn made() -> &'static Ring {
    static MADE: OnceLock<Ring> = OnceLock::new();
    MADE.get_or_init(|| {
        let keys = std::thread::scope(|scope| {
            let threads = NAMES.map(|_| {
                scope.spawn(|| {
                    let key = PrivateKey::new(&mut SystemRandom, BITS);
                    Arc::new(key.expect("a key can be made of 2048 bits"))
                })
            });
            threads.map(|thread| thread.join().expect("making a key does not panic"))
        });
        Ring::new(keys)
    })
}

/// The operating system's randomness: keys are the one thing here that no seed may repeat.
struct SystemRandom;

impl TryRng for SystemRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::generate())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::generate())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&u64::generate().to_ne_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for SystemRandom {}
