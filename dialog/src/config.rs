//! Settings: one TOML file of per-part options, unknown keys refused, secrets only from the environment.
//!
//! Every value has a default that works; `ops/settings.toml` shows them all with what they mean.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// All settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where calls come in.
    pub serve: Serve,
    /// What is refused before any work.
    pub limits: Limits,
    /// The model.
    pub model: Model,
    /// The domain pack.
    pub pack: Pack,
    /// Redis and Postgres.
    pub stores: Stores,
    /// The operator's systems.
    pub operator: Operator,
    /// Logs and traces.
    pub telemetry: Telemetry,
}

/// Where calls come in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Serve {
    /// Address of gRPC, HTTP, health and metrics, all on one port.
    pub listen: SocketAddr,
    /// Whose catalogue this server speaks for.
    pub tenant: String,
    /// Where the operator is, by the name of its time zone: decides what "today" and "this month" are.
    pub time_zone: String,
    /// A turn that takes longer is answered with DEADLINE_EXCEEDED; its order still finishes.
    #[serde(with = "humantime_serde")]
    pub turn_timeout: Duration,
    /// After SIGTERM, how long running turns may take.
    #[serde(with = "humantime_serde")]
    pub drain_timeout: Duration,
    /// How long the customer may be silent before `Silence` is due.
    #[serde(with = "humantime_serde")]
    pub listen_for: Duration,
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7410)),
            tenant: "demo".into(),
            time_zone: "Asia/Shanghai".into(),
            turn_timeout: Duration::from_secs(8),
            drain_timeout: Duration::from_secs(20),
            listen_for: Duration::from_secs(5),
        }
    }
}

/// What is refused before any work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one message.
    pub message_bytes: usize,
    /// Characters of one utterance.
    pub text_chars: usize,
    /// Hypotheses of one utterance.
    pub hypotheses: usize,
    /// Keys pressed in one event.
    pub keys: usize,
    /// Calls streamed at once.
    pub streams: usize,
    /// Turns at work at once; one more is refused.
    pub turns: usize,
    /// Texts of one `Parse`.
    pub texts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 16 * 1024,
            text_chars: 256,
            hypotheses: 10,
            keys: 32,
            streams: 10_000,
            turns: 512,
            texts: 64,
        }
    }
}

/// The model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// Folder of the artifact; its name is the size of the model.
    pub artifact: PathBuf,
    /// The ONNX Runtime library.
    pub library: PathBuf,
    /// `auto`, `cpu` or `cuda`.
    pub device: Device,
    /// Workers, each with one session; 0: one per core.
    pub workers: usize,
    /// Utterances that may wait.
    pub queue: usize,
    /// Padded tokens of one batch.
    pub batch_tokens: usize,
    /// Where embeddings of the pack's examples and fitted heads are kept between starts.
    pub cache: PathBuf,
}

/// Where the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// On a GPU where there is one.
    #[default]
    Auto,
    /// On the processor.
    Cpu,
    /// On a GPU, or not at all.
    Cuda,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            artifact: "models/artifacts/base".into(),
            library: ".qingting/natives/onnxruntime/libonnxruntime.so".into(),
            device: Device::Auto,
            workers: 0,
            queue: 1024,
            batch_tokens: 512,
            cache: ".qingting/cache".into(),
        }
    }
}

/// The domain pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pack {
    /// Folder of the pack's files.
    pub folder: PathBuf,
}

impl Default for Pack {
    fn default() -> Self {
        Self { folder: "packs/telecom".into() }
    }
}

/// Redis and Postgres. Their addresses are secrets: `REDIS_URL` and `DATABASE_URL`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stores {
    /// Where a private Valkey and Postgres keep their data when no address is given.
    pub folder: PathBuf,
    /// Folder of their programs.
    pub natives: PathBuf,
    /// One round trip to Redis.
    #[serde(with = "humantime_serde")]
    pub redis_timeout: Duration,
    /// One statement of Postgres.
    #[serde(with = "humantime_serde")]
    pub postgres_timeout: Duration,
    /// Connections to Postgres.
    pub postgres_connections: u32,
    /// How long a silent call is kept.
    #[serde(with = "humantime_serde")]
    pub session_ttl: Duration,
}

impl Default for Stores {
    fn default() -> Self {
        Self {
            folder: ".qingting/data".into(),
            natives: ".qingting/natives".into(),
            redis_timeout: Duration::from_millis(500),
            postgres_timeout: Duration::from_secs(2),
            postgres_connections: 16,
            session_ttl: Duration::from_secs(1800),
        }
    }
}

/// The operator's systems.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Operator {
    /// Base address, such as `http://127.0.0.1:7420`. Empty: a simulated operator is started beside.
    pub url: String,
}

/// Logs and traces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Filter of the log, as in `info,dialog=debug`.
    pub log: String,
    /// OTLP collector over gRPC, such as `http://127.0.0.1:4317`. Empty: no traces leave.
    pub otlp: String,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { log: "info".into(), otlp: String::new() }
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("settings {path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The file says something that is no setting.
    #[error("settings {path}: {message}")]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong, with the line.
        message: String,
    },
    /// The environment says something that is no setting.
    #[error("environment {name}: {message}")]
    Environment {
        /// The variable.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A value with which nothing would work.
    #[error("setting {name}: {message}")]
    Useless {
        /// Which.
        name: &'static str,
        /// What to write instead.
        message: &'static str,
    },
}

/// Variables that override the file: `QINGTING_SERVE__LISTEN` is `serve.listen`.
const PREFIX: &str = "QINGTING_";

impl Settings {
    /// Reads `path`, or the defaults where there is none, then the environment on top.
    ///
    /// # Errors
    /// [`Error`] says where and what.
    pub fn load(
        path: Option<&std::path::Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Error> {
        let mut table = match path {
            None => toml::Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|cause| Error::File { path: path.into(), cause })?;
                let malformed = |error: toml::de::Error| Error::Malformed {
                    path: path.into(),
                    message: error.to_string(),
                };
                toml::from_str::<Self>(&text).map_err(malformed)?;
                text.parse().map_err(malformed)?
            }
        };
        for (name, value) in environment {
            let Some((part, key)) = name.strip_prefix(PREFIX).and_then(|it| it.split_once("__"))
            else {
                continue;
            };
            let (part, key) = (part.to_lowercase(), key.to_lowercase());
            set(&mut table, &part, &key, typed(&value));
            if let Err(error) = table.clone().try_into::<Self>() {
                // A tenant may be called `2026`.
                set(&mut table, &part, &key, toml::Value::String(value));
                let whole = table.clone().try_into::<Self>();
                whole.map_err(|_| Error::Environment { name, message: error.to_string() })?;
            }
        }
        let read: Self = table.try_into().map_err(|error: toml::de::Error| Error::Environment {
            name: PREFIX.into(),
            message: error.to_string(),
        })?;
        read.checked()
    }

    fn checked(self) -> Result<Self, Error> {
        let limits = &self.limits;
        let positive = [
            ("limits.message_bytes", limits.message_bytes),
            ("limits.text_chars", limits.text_chars),
            ("limits.hypotheses", limits.hypotheses),
            ("limits.keys", limits.keys),
            ("limits.streams", limits.streams),
            ("limits.turns", limits.turns),
            ("limits.texts", limits.texts),
            ("model.queue", self.model.queue),
        ];
        if let Some((name, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(Error::Useless {
                name,
                message: "0 would refuse everything: write 1 or more",
            });
        }
        let tenant = self.serve.tenant.as_bytes();
        let plain = tenant.iter().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(it));
        if tenant.is_empty() || tenant.len() > 64 || !plain {
            let message = "write 1 to 64 characters of A-Z a-z 0-9 - _";
            return Err(Error::Useless { name: "serve.tenant", message });
        }
        Ok(self)
    }
}

/// A number or a claim where it reads as one, words otherwise.
fn typed(value: &str) -> toml::Value {
    value
        .parse::<i64>()
        .map(toml::Value::Integer)
        .or_else(|_| value.parse::<bool>().map(toml::Value::Boolean))
        .unwrap_or_else(|_| toml::Value::String(value.into()))
}

fn set(table: &mut toml::Table, part: &str, key: &str, value: toml::Value) {
    let part = table.entry(part).or_insert_with(|| toml::Table::new().into());
    if let Some(part) = part.as_table_mut() {
        part.insert(key.into(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, file).expect("writes");
        let pairs = environment.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        Settings::load(Some(&path), pairs).map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_overrides_the_file_and_the_file_the_defaults() {
        let file = "[serve]\ntenant = \"a\"\nturn_timeout = \"3s\"\n";
        let read = load(file, &[("QINGTING_SERVE__TENANT", "b"), ("QINGTING_LIMITS__KEYS", "9")]);
        let read = read.expect("good settings");
        assert_eq!(read.serve.tenant, "b");
        assert_eq!(read.serve.turn_timeout, Duration::from_secs(3));
        assert_eq!(read.limits.keys, 9);
        let numbers = load("", &[("QINGTING_SERVE__TENANT", "2026")]).expect("a name of digits");
        assert_eq!(numbers.serve.tenant, "2026");
        assert_eq!(read.limits.texts, Limits::default().texts);
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_refused_where_they_stand() {
        let unknown = load("[serve]\ntennant = \"a\"\n", &[]).expect_err("unknown key");
        assert!(unknown.contains("tennant") && unknown.contains("line 2"), "{unknown}");
        let typed = load("[limits]\nkeys = \"many\"\n", &[]).expect_err("wrong type");
        assert!(typed.contains("line 2"), "{typed}");
        let named = load("", &[("QINGTING_LIMITS__KEYS", "many")]).expect_err("wrong type");
        assert!(named.contains("QINGTING_LIMITS__KEYS"), "{named}");
    }

    #[test]
    fn values_with_which_nothing_would_work_are_refused() {
        let none = load("[limits]\nturns = 0\n", &[]).expect_err("no turns");
        assert!(none.contains("limits.turns"), "{none}");
        let tenant =
            load("", &[("QINGTING_SERVE__TENANT", "北京")]).expect_err("no header takes it");
        assert!(tenant.contains("serve.tenant"), "{tenant}");
    }

    #[test]
    fn the_settings_file_of_the_repository_shows_the_defaults() {
        let file = include_str!("../../ops/settings.toml");
        assert_eq!(toml::from_str::<Settings>(file).expect("good settings"), Settings::default());
    }
}
