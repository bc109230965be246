/// What a value may cost at most. Honoured on every path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most lists and maps in one another, tagged maps and what is in them among them; 64.
    pub max_depth: u8,
    /// Most axes of an array; 64, as numpy's.
    pub max_axes: u8,
}

impl Limits {
    /// The defaults.
    pub const DEFAULT: Self = Self { max_depth: 64, max_axes: 64 };

    /// Most lists and maps in one another.
    #[must_use]
    pub const fn with_max_depth(mut self, max_depth: u8) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// Most axes of an array.
    #[must_use]
    pub const fn with_max_axes(mut self, max_axes: u8) -> Self {
        self.max_axes = max_axes;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
