use core::fmt;

/// Who is asking. `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the two that there are")]
pub enum Credentials<'a> {
    /// Name and password. Servers take 1 to 127 bytes each, which is not checked here.
    Password {
        /// Name.
        user: &'a str,
        /// Password.
        password: &'a str,
    },
    /// A token. Servers make them of 22 characters, in 2019 of 50, which is not checked here; those of S1 take one from
    /// 2019-07-05 on.
    Token(&'a str),
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password(..)",
            Self::Token(_) => "Token(..)",
        })
    }
}
