/// A set of named bits, each a constant, printed as words in `snake_case` between commas.
macro_rules! bits {
    ($(#[$doc:meta])* $set:ident; $($(#[$note:meta])* $name:ident = $bit:literal, $word:literal;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct $set(u32);

        impl $set {
            /// None.
            pub const NONE: Self = Self(0);

            $($(#[$note])* pub const $name: Self = Self(1 << $bit);)*

            const NAMED: &'static [(Self, &'static str)] = &[$((Self::$name, $word),)*];

            /// Whether all these are there.
            #[must_use]
            pub const fn contains(self, others: Self) -> bool {
                self.0 & others.0 == others.0
            }

            /// Whether any of these is there.
            #[must_use]
            pub const fn intersects(self, others: Self) -> bool {
                self.0 & others.0 != 0
            }

            /// Whether there are none.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The same but for these.
            #[must_use]
            pub const fn without(self, others: Self) -> Self {
                Self(self.0 & !others.0)
            }

            /// Each by itself.
            pub fn iter(self) -> impl Iterator<Item = Self> {
                Self::NAMED.iter().map(|(bit, _)| *bit).filter(move |bit| self.contains(*bit))
            }
        }

        impl core::ops::BitOr for $set {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl core::ops::BitOrAssign for $set {
            fn bitor_assign(&mut self, other: Self) {
                self.0 |= other.0;
            }
        }

        impl core::fmt::Display for $set {
            /// Words in `snake_case`, between commas.
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let mut comma = "";
                for (bit, word) in Self::NAMED {
                    if self.contains(*bit) {
                        write!(f, "{comma}{word}")?;
                        comma = ", ";
                    }
                }
                Ok(())
            }
        }

        impl core::fmt::Debug for $set {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({self})", stringify!($set))
            }
        }
    };
}

pub(crate) use bits;
