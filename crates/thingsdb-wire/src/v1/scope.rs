use core::fmt;

/// Where a request is to act, in any of the forms a server takes (SPEC.md §3). Prints in the long form.
///
/// ```
/// use thingsdb_wire::v1::Scope;
///
/// assert_eq!(Scope::parse("@t"), Ok(Scope::ThingsDb));
/// assert_eq!(Scope::parse("/node/3"), Ok(Scope::Node(Some(3))));
/// assert_eq!(Scope::parse("//stuff"), Ok(Scope::Collection("stuff")));
/// assert_eq!(Scope::Collection("stuff").to_string(), "@collection:stuff");
/// assert!(Scope::parse("@collection/stuff").is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all that there are")]
pub enum Scope<'a> {
    /// All of the cluster: users, collections.
    ThingsDb,
    /// A node: the one connected to, or that with this ID, 0 to 63.
    Node(Option<u8>),
    /// A collection.
    Collection(&'a str),
}

/// The text is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
#[error("no scope: like @thingsdb, @node:0 or @collection:name, with : after @ and / after /")]
pub struct ScopeError;

impl<'a> Scope<'a> {
    /// Reads a text: `@` and `:`, or `/` and `/`, around any front part of the words.
    ///
    /// # Errors
    ///
    /// If it is none, or the ID of a node is above 63, or the name of a collection is none: a letter or underscore, then
    /// letters, digits and underscores, 255 at most.
    pub fn parse(text: &'a str) -> Result<Self, ScopeError> {
        let (separator, text) = match text.strip_prefix('@') {
            Some(rest) => (':', rest),
            None => ('/', text.strip_prefix('/').ok_or(ScopeError)?),
        };
        match text.split_once(separator) {
            None if text.is_empty() => Err(ScopeError),
            None if "thingsdb".starts_with(text) => Ok(Self::ThingsDb),
            None if "node".starts_with(text) => Ok(Self::Node(None)),
            Some((word, name)) if "collection".starts_with(word) => {
                if is_name(name) {
                    Ok(Self::Collection(name))
                } else {
                    Err(ScopeError)
                }
            }
            Some((word, "")) if "node".starts_with(word) => Ok(Self::Node(None)),
            Some((word, id)) if "node".starts_with(word) => {
                let digits = id.bytes().all(|byte| byte.is_ascii_digit());
                let id = id.parse().ok().filter(|id| digits && *id < 64);
                id.map(|id| Self::Node(Some(id))).ok_or(ScopeError)
            }
            _ => Err(ScopeError),
        }
    }
}

fn is_name(name: &str) -> bool {
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts && name.len() <= 255 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ThingsDb => f.write_str("@thingsdb"),
            Self::Node(None) => f.write_str("@node"),
            Self::Node(Some(id)) => write!(f, "@node:{id}"),
            Self::Collection(name) => write!(f, "@collection:{name}"),
        }
    }
}
