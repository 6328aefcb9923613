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
const NAMES: [&str; 10] = [
    "merchant",
    "wechat",
    "certificate_a",
    "certificate_b",
    "alipay_app",
    "alipay",
    "alipay_next",
    "alipay_issuer",
    "alipay_root",
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
    pub(super) alipay_next: Arc<PrivateKey>,
    pub(super) alipay_issuer: Arc<PrivateKey>,
    pub(super) alipay_root: Arc<PrivateKey>,
    pub(super) stranger: Arc<PrivateKey>,
}

impl Ring {
    fn new(keys: [Arc<PrivateKey>; 10]) -> Ring {
        let [
            merchant,
            wechat,
            certificate_a,
            certificate_b,
            alipay_app,
            alipay,
            alipay_next,
            alipay_issuer,
            alipay_root,
            stranger,
        ] = keys;
        Ring {
            merchant,
            wechat,
            certificate_a,
            certificate_b,
            alipay_app,
            alipay,
            alipay_next,
            alipay_issuer,
            alipay_root,
            stranger,
        }
    }

    fn keys(&self) -> [&Arc<PrivateKey>; 10] {
        [
            &self.merchant,
            &self.wechat,
            &self.certificate_a,
            &self.certificate_b,
            &self.alipay_app,
            &self.alipay,
            &self.alipay_next,
            &self.alipay_issuer,
            &self.alipay_root,
            &self.stranger,
        ]
    }
}

/// Loads the keys of a directory; missing ones are generated and written there.
pub(super) fn load(dir: Option<&Path>) -> io::Result<Ring> {
    let Some(dir) = dir else {
        return Ok(make_ring().clone());
    };
    let mut directory = fs::DirBuilder::new();
    directory.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut directory, 0o700);
    directory.create(dir)?;
    // Reading one takes milliseconds, because its numbers are checked.
    let keys: io::Result<Vec<_>> = std::thread::scope(|scope| {
        let threads: Vec<_> = NAMES
            .iter()
            .enumerate()
            .map(|(place, name)| scope.spawn(move || load_key(&path_of(dir, name), place)))
            .collect();
        let loaded = threads.into_iter();
        loaded
            .map(|thread| thread.join().expect("reading a key does not panic"))
            .collect()
    });
    Ok(Ring::new(keys?.try_into().expect("as many keys as names")))
}

fn load_key(path: &Path, place: usize) -> io::Result<Arc<PrivateKey>> {
    match fs::read_to_string(path) {
        Ok(pem) => Ok(Arc::new(
            PrivateKey::from_pkcs8_pem(&pem).map_err(io::Error::other)?,
        )),
        Err(_) => {
            let key = Arc::clone(make_ring().keys()[place]);
            write_private(path, &super::private_pem(&key))?;
            Ok(key)
        }
    }
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

fn make_ring() -> &'static Ring {
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

/// The operating system's randomness: keys are the only thing here that no seed may repeat.
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
