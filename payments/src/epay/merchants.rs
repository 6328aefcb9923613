//! Merchants of the epay protocol. Their secrets must sign, so they are sealed and not hashed; each is shown once.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use futures_util::FutureExt;
use secrecy::{ExposeSecret as _, SecretString};

use super::Pid;
use crate::audit_log::{Act, Action, Actor, record};
use crate::gateway::{KeyError, SigningKey, VerifyingKey};
use crate::secrets::{Place, SecretsError};
use crate::store::epay_merchants::{self, MerchantRow};
use crate::store::{StoreError, Tx};
use crate::{Error, Services};

const TABLE: &str = "epay_merchants";

/// A merchant that may call.
#[derive(Debug)]
pub struct Merchant {
    pub pid: Pid,
    pub name: String,
    pub key: SecretString,
    /// Our key for this merchant, PKCS#8 in base64.
    platform_key: SecretString,
    pub platform_public_key: String,
    /// The merchant's key in base64; `None`: speaks only V1.
    public_key: Option<String>,
}

/// A merchant as the console shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMerchant {
    pub pid: Pid,
    pub name: String,
    pub platform_public_key: String,
    pub has_public_key: bool,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
}

/// Keys of a new merchant, shown once.
#[derive(Debug)]
pub struct MerchantKeys {
    pub pid: Pid,
    pub key: SecretString,
    pub platform_public_key: String,
    /// Made here when the merchant brought no key of its own; it is not kept.
    pub merchant_private_key: Option<SecretString>,
}

/// An RSA key pair: PKCS#8 and SubjectPublicKeyInfo, in base64 on one line.
struct KeyPairText {
    private: SecretString,
    public: String,
}

impl Merchant {
    pub fn signing_key(&self) -> Result<SigningKey, KeyError> {
        SigningKey::read("platform_key", &self.platform_key)
    }

    /// The key that V2 requests of this merchant are verified by.
    pub fn verifying_key(&self) -> Option<VerifyingKey> {
        let text = self.public_key.as_deref()?;
        VerifyingKey::read_client("public_key", text).ok()
    }
}

/// Reads the public key that a merchant brings, and returns it in base64 on one line.
pub fn read_public_key(setting: &'static str, text: &str) -> Result<String, KeyError> {
    VerifyingKey::read_client(setting, text).map(|key| key.to_base64())
}

/// Takes seconds on a slow machine, so it never runs on a thread that serves requests.
async fn generate_pair() -> KeyPairText {
    let generate = || {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key of a usual size can be made");
        let private: Pkcs8V1Der<'_> = pair.as_der().expect("a new key has an encoding");
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a new key has an encoding");
        KeyPairText {
            private: SecretString::from(STANDARD.encode(private.as_ref())),
            public: STANDARD.encode(public.as_ref()),
        }
    };
    tokio::task::spawn_blocking(generate)
        .await
        .expect("making a key does not panic")
}

fn seal_secret(services: &Services, column: &'static str, pid: i64, plain: &SecretString) -> String {
    let row = &pid.to_string();
    let place = Place {
        table: TABLE,
        column,
        row,
    };
    services
        .secrets
        .seal(&place, plain.expose_secret(), services.clock.entropy())
}

fn unseal_secret(
    services: &Services,
    column: &'static str,
    pid: i64,
    sealed: &str,
) -> Result<SecretString, Error> {
    let row = &pid.to_string();
    let place = Place {
        table: TABLE,
        column,
        row,
    };
    services.secrets.open(&place, sealed).map_err(|error| {
        tracing::error!(%error, "the {column} of epay merchant {pid} cannot be opened");
        Error::Internal(StoreError::Corrupt("epay_merchants"))
    })
}

/// Whether the key of the secrets at rest opens what is sealed here; `None`: nothing is.
pub(crate) async fn check_sealed(
    services: &Services,
    tx: &mut Tx<'_>,
) -> Result<Option<SecretsError>, StoreError> {
    let Some(row) = epay_merchants::find_any(tx).await? else {
        return Ok(None);
    };
    let number = &row.pid.to_string();
    let place = Place {
        table: TABLE,
        column: "md5_key",
        row: number,
    };
    Ok(services.secrets.open(&place, &row.md5_key).err())
}

/// Makes a merchant with the next free number.
pub async fn create_merchant(
    services: &Services,
    actor: &Actor,
    name: &str,
    public_key: Option<&str>,
) -> Result<MerchantKeys, Error> {
    let platform = generate_pair().await;
    let own = match public_key {
        Some(_) => None,
        None => Some(generate_pair().await),
    };
    let public_key = public_key.or(own.as_ref().map(|pair| pair.public.as_str()));
    let key = SecretString::from(domain::id::secret_token(services.clock.entropy()));
    let (platform, key) = (&platform, &key);
    let pid = services
        .db
        .write(|tx| {
            async move {
                let pid = epay_merchants::find_free_pid(tx).await?;
                insert_merchant(services, tx, actor, pid, name, (key, platform, public_key)).await?;
                Ok::<_, StoreError>(pid)
            }
            .boxed()
        })
        .await?;
    Ok(MerchantKeys {
        pid: Pid::from_row(pid).ok_or(StoreError::Corrupt("epay_merchants.pid"))?,
        key: key.clone(),
        platform_public_key: platform.public.clone(),
        merchant_private_key: own.map(|pair| pair.private),
    })
}

async fn insert_merchant(
    services: &Services,
    tx: &mut Tx<'_>,
    actor: &Actor,
    pid: i64,
    name: &str,
    (key, platform, public_key): (&SecretString, &KeyPairText, Option<&str>),
) -> Result<(), StoreError> {
    let now = services.clock.now();
    let row = MerchantRow {
        pid,
        name: name.to_owned(),
        md5_key: seal_secret(services, "md5_key", pid, key),
        platform_key: seal_secret(services, "platform_key", pid, &platform.private),
        platform_public_key: platform.public.clone(),
        public_key: public_key.map(str::to_owned),
        created_at: now.millis(),
        disabled_at: None,
    };
    if !epay_merchants::insert(tx, &row).await? {
        return Err(StoreError::Stale);
    }
    let act = Act {
        action: Action::CreateEpayMerchant,
        subject: &pid.to_string(),
        detail: name,
    };
    record(tx, actor, act, now).await
}

/// Sees to it that the merchant of the settings exists and has exactly this key.
pub async fn ensure_merchant(
    services: &Services,
    actor: &Actor,
    pid: Pid,
    key: &SecretString,
    public_key: Option<&str>,
) -> Result<(), Error> {
    let number = pid.to_row();
    let known = services
        .db
        .read_one(|tx| async move { epay_merchants::find(tx, number).await }.boxed())
        .await?;
    let platform = match known {
        Some(_) => None,
        None => Some(generate_pair().await),
    };
    let platform = platform.as_ref();
    services
        .db
        .write(|tx| {
            async move {
                let Some(row) = epay_merchants::find(tx, number).await? else {
                    let platform = platform.ok_or(StoreError::Stale)?;
                    return insert_merchant(
                        services,
                        tx,
                        actor,
                        number,
                        "EPAY_PID",
                        (key, platform, public_key),
                    )
                    .await;
                };
                let place = Place {
                    table: TABLE,
                    column: "md5_key",
                    row: &number.to_string(),
                };
                let is_same = services
                    .secrets
                    .open(&place, &row.md5_key)
                    .is_ok_and(|known| known.expose_secret() == key.expose_secret());
                if !is_same {
                    replace_key_in(services, tx, actor, number, key).await?;
                }
                if let Some(public_key) = public_key.filter(|key| row.public_key.as_deref() != Some(key)) {
                    epay_merchants::replace_public_key(tx, number, public_key).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

async fn replace_key_in(
    services: &Services,
    tx: &mut Tx<'_>,
    actor: &Actor,
    pid: i64,
    key: &SecretString,
) -> Result<(), StoreError> {
    let sealed = seal_secret(services, "md5_key", pid, key);
    if !epay_merchants::replace_key(tx, pid, &sealed).await? {
        return Err(StoreError::Corrupt("epay_merchants.pid"));
    }
    let act = Act {
        action: Action::RotateEpayKey,
        subject: &pid.to_string(),
        detail: "",
    };
    record(tx, actor, act, services.clock.now()).await
}

/// Gives a merchant another MD5 key and returns it; the old one signs nothing any more.
pub async fn rotate_key(services: &Services, actor: &Actor, pid: Pid) -> Result<SecretString, Error> {
    let key = SecretString::from(domain::id::secret_token(services.clock.entropy()));
    let new = &key;
    let number = pid.to_row();
    services
        .db
        .write(|tx| {
            async move {
                epay_merchants::find(tx, number).await?.ok_or(Error::NotFound)?;
                Ok::<_, Error>(replace_key_in(services, tx, actor, number, new).await?)
            }
            .boxed()
        })
        .await?;
    Ok(key)
}

/// Shuts a merchant out, or lets it in again. Its orders can still be paid, and it is still told of them.
pub async fn set_disabled(
    services: &Services,
    actor: &Actor,
    pid: Pid,
    is_disabled: bool,
) -> Result<(), Error> {
    let number = pid.to_row();
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                epay_merchants::find(tx, number).await?.ok_or(Error::NotFound)?;
                if epay_merchants::set_disabled(tx, number, is_disabled.then_some(now)).await? {
                    let action = if is_disabled {
                        Action::DisableEpayMerchant
                    } else {
                        Action::EnableEpayMerchant
                    };
                    let act = Act {
                        action,
                        subject: &number.to_string(),
                        detail: "",
                    };
                    record(tx, actor, act, now).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
}

/// The merchant with this number; `None` also for one that was shut out.
pub async fn find_merchant(services: &Services, pid: Pid) -> Result<Option<Merchant>, Error> {
    let row = find_row(services, pid).await?;
    match row.filter(|row| row.disabled_at.is_none()) {
        Some(row) => unseal_merchant(services, row).map(Some),
        None => Ok(None),
    }
}

/// The merchant with this number, also one that was shut out: what it sold is its own.
pub(crate) async fn find_any_merchant(services: &Services, pid: Pid) -> Result<Merchant, Error> {
    let row = find_row(services, pid).await?;
    unseal_merchant(services, row.ok_or(StoreError::Corrupt("epay_attempts.pid"))?)
}

async fn find_row(services: &Services, pid: Pid) -> Result<Option<MerchantRow>, Error> {
    services
        .db
        .read_one(|tx| async move { epay_merchants::find(tx, pid.to_row()).await }.boxed())
        .await
        .map_err(Error::Internal)
}

fn unseal_merchant(services: &Services, row: MerchantRow) -> Result<Merchant, Error> {
    Ok(Merchant {
        pid: Pid::from_row(row.pid).ok_or(StoreError::Corrupt("epay_merchants.pid"))?,
        key: unseal_secret(services, "md5_key", row.pid, &row.md5_key)?,
        platform_key: unseal_secret(services, "platform_key", row.pid, &row.platform_key)?,
        name: row.name,
        platform_public_key: row.platform_public_key,
        public_key: row.public_key,
    })
}

pub async fn list_merchants(services: &Services) -> Result<Vec<KnownMerchant>, Error> {
    let rows = services
        .db
        .read_one(|tx| async move { epay_merchants::list(tx).await }.boxed())
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(KnownMerchant {
                pid: Pid::from_row(row.pid).ok_or(StoreError::Corrupt("epay_merchants.pid"))?,
                name: row.name,
                platform_public_key: row.platform_public_key,
                has_public_key: row.public_key.is_some(),
                created_at: Timestamp::from_millis(row.created_at),
                disabled_at: row.disabled_at.map(Timestamp::from_millis),
            })
        })
        .collect()
}
