//! What the operator sells, read from a pack's `knowledge.toml`.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use super::Error;

/// All that is for sale, each list in the order of the file.
#[derive(Debug)]
pub(super) struct Market {
    /// Cheapest first.
    pub(super) plans: Vec<Plan>,
    pub(super) addons: Vec<Addon>,
    pub(super) broadbands: Vec<Broadband>,
    pub(super) zones: Vec<Zone>,
    pub(super) gifts: Vec<Gift>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Plan {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) price_fen: i64,
    pub(super) data_mb: i64,
    pub(super) minutes: i64,
    pub(super) messages: i64,
    /// Further cards that may share it.
    pub(super) cards: usize,
    pub(super) suits: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Addon {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) price_fen: i64,
    #[serde(default)]
    pub(super) data_mb: i64,
    #[serde(default)]
    pub(super) minutes: i64,
    #[serde(default)]
    pub(super) messages: i64,
    pub(super) term: String,
}

impl Addon {
    /// Whether it is charged every month, or once.
    pub(super) fn is_monthly(&self) -> bool {
        self.term.starts_with("按月")
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Broadband {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) price_fen: i64,
    pub(super) mbps: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Zone {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) day_fen: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Gift {
    pub(super) id: String,
    pub(super) points: i64,
    pub(super) worth: String,
}

#[derive(Deserialize)]
struct File {
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Entry {
    Plan(Plan),
    Addon(Addon),
    Broadband(Broadband),
    Zone(Zone),
    Gift(Gift),
    /// What is talked about but not sold.
    #[serde(other)]
    Other,
}

impl Market {
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let text =
            fs::read_to_string(path).map_err(|cause| Error::File { path: path.into(), cause })?;
        let wrong = |message: String| Error::Knowledge { path: path.into(), message };
        let file: File = toml::from_str(&text).map_err(|error| wrong(error.message().into()))?;
        let market = Self::of(file.entry);
        let lacks = [
            ("plan", market.plans.is_empty()),
            ("addon", market.addons.is_empty()),
            ("broadband", market.broadbands.is_empty()),
        ];
        match lacks.iter().find(|(_, lacks)| *lacks) {
            Some((kind, _)) => Err(wrong(format!("no entry of kind `{kind}`: add one"))),
            None => Ok(market),
        }
    }

    fn of(entries: Vec<Entry>) -> Self {
        let mut market = Self {
            plans: Vec::new(),
            addons: Vec::new(),
            broadbands: Vec::new(),
            zones: Vec::new(),
            gifts: Vec::new(),
        };
        for entry in entries {
            match entry {
                Entry::Plan(it) => market.plans.push(it),
                Entry::Addon(it) => market.addons.push(it),
                Entry::Broadband(it) => market.broadbands.push(it),
                Entry::Zone(it) => market.zones.push(it),
                Entry::Gift(it) => market.gifts.push(it),
                Entry::Other => {}
            }
        }
        market.plans.sort_by_key(|plan| plan.price_fen);
        market
    }

    pub(super) fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|it| it.id == id)
    }

    /// The plan nearest to a month's price; demo customers are set up by price, not by id.
    pub(super) fn plan_near(&self, fen: i64) -> &Plan {
        let near = self.plans.iter().min_by_key(|it| (it.price_fen - fen).abs());
        near.expect("`read` refuses a market without plans")
    }

    pub(super) fn addon(&self, id: &str) -> Option<&Addon> {
        self.addons.iter().find(|it| it.id == id)
    }

    pub(super) fn broadband(&self, id: &str) -> Option<&Broadband> {
        self.broadbands.iter().find(|it| it.id == id)
    }

    pub(super) fn broadband_near(&self, mbps: i64) -> &Broadband {
        let near = self.broadbands.iter().min_by_key(|it| (it.mbps - mbps).abs());
        near.expect("`read` refuses a market without broadband")
    }

    pub(super) fn zone(&self, id: &str) -> Option<&Zone> {
        self.zones.iter().find(|it| it.id == id)
    }

    pub(super) fn gift(&self, id: &str) -> Option<&Gift> {
        self.gifts.iter().find(|it| it.id == id)
    }
}

/// Fen as it is said: "15 元", "8.5 元".
pub(super) fn yuan(fen: i64) -> String {
    let (whole, rest) = (fen / 100, fen % 100);
    let text = format!("{whole}.{rest:02}");
    format!("{} 元", text.trim_end_matches('0').trim_end_matches('.'))
}
