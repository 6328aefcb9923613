//! Seeded random numbers: ids, nonces and rates of faults, so that a run can be repeated.

#[derive(Debug, Clone)]
pub(crate) struct Rng {
    state: u64,
}

const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl Rng {
    pub(crate) fn new(seed: u64) -> Rng {
        Rng { state: seed }
    }

    /// splitmix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Random index into a list of this length.
    pub(crate) fn place(&mut self, len: usize) -> usize {
        let len = u64::try_from(len).expect("a list is short");
        usize::try_from(self.below(len)).expect("a place in a list is as small")
    }

    fn text(&mut self, alphabet: &[u8], n_chars: usize) -> String {
        (0..n_chars)
            .map(|_| char::from(alphabet[self.place(alphabet.len())]))
            .collect()
    }

    pub(crate) fn alphanumeric(&mut self, n_chars: usize) -> String {
        self.text(ALPHANUMERIC, n_chars)
    }

    pub(crate) fn digits(&mut self, n_chars: usize) -> String {
        self.text(&ALPHANUMERIC[..10], n_chars)
    }

    pub(crate) fn hex(&mut self, n_chars: usize) -> String {
        self.text(b"0123456789abcdef", n_chars)
    }

    pub(crate) fn uuid(&mut self) -> String {
        let hex = self.hex(30);
        format!(
            "{}-{}-4{}-a{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..15],
            &hex[15..18],
            &hex[18..30]
        )
    }
}
