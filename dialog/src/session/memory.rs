//! Sessions in memory, for `qingting call` and for tests.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;

use super::{Error, Key, Session, Store};
use crate::journal;

/// Sessions and their journal, gone with the process.
#[derive(Debug, Default)]
pub struct Memory {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    sessions: HashMap<Key, Session>,
    journal: Vec<journal::Entry>,
}

impl Memory {
    /// The journal so far.
    pub fn journal(&self) -> Vec<journal::Entry> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).journal.clone()
    }
}

#[async_trait]
impl Store for Memory {
    async fn load(&self, key: &Key) -> Result<Option<Session>, Error> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(inner.sessions.get(key).cloned())
    }

    async fn save(&self, session: &Session, entry: Option<&journal::Entry>) -> Result<(), Error> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let key = session.key();
        let stored = inner.sessions.get(&key).map_or(0, |it| it.version);
        if stored != session.version {
            return Err(Error::Conflict);
        }
        inner.sessions.insert(key, Session { version: stored + 1, ..session.clone() });
        inner.journal.extend(entry.cloned());
        Ok(())
    }

    async fn ping(&self) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn memory_keeps_the_contract() {
        super::super::contract::holds(&super::Memory::default()).await;
    }
}
