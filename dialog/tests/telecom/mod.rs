//! The real pack, read once for a test program, and what is made of it.

use std::{path::Path, sync::LazyLock};

use dialog::{
    catalogue::{Catalogue, Pack},
    understand::Linker,
};

/// The real pack with all that is made of it without a model.
pub struct Telecom {
    pub catalogue: Catalogue,
    pub linker: Linker,
}

/// The pack of the repository.
pub fn pack() -> Pack {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packs/telecom");
    Pack::read(&folder).unwrap_or_else(|error| panic!("{error}"))
}

/// The catalogue of the repository's pack.
pub fn telecom() -> &'static Telecom {
    static TELECOM: LazyLock<Telecom> = LazyLock::new(|| {
        let catalogue = Catalogue::parse(&pack()).unwrap_or_else(|error| panic!("{error}"));
        let linker = Linker::new(&catalogue.knowledge);
        Telecom { catalogue, linker }
    });
    &TELECOM
}
