//! One hash for everything that must come out alike on every machine and in every release.

/// The step of SplitMix64 (Steele, Lea and Flood, 2014): every bit of the input moves every bit.
pub(crate) fn mix(state: u64) -> u64 {
    let mut it = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}
