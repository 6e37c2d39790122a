//! The real pack, read once for a test program, and what is made of it.

// Each test program takes its part of this.
#![allow(dead_code)]

use std::{path::Path, sync::LazyLock};

use dialog::{
    catalogue::{Catalogue, Pack},
    understand::Linker,
};

/// The real pack with all that is made of it without a model.
pub(crate) struct Telecom {
    pub(crate) catalogue: Catalogue,
    pub(crate) linker: Linker,
}

/// The pack of the repository.
pub(crate) fn pack() -> Pack {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packs/telecom");
    Pack::read(&folder).unwrap_or_else(|error| panic!("{error}"))
}

/// The catalogue of the repository's pack.
pub(crate) fn telecom() -> &'static Telecom {
    static TELECOM: LazyLock<Telecom> = LazyLock::new(|| {
        let catalogue = Catalogue::parse(&pack()).unwrap_or_else(|error| panic!("{error}"));
        let linker = Linker::new(&catalogue.knowledge);
        Telecom { catalogue, linker }
    });
    &TELECOM
}
