//! Topics of MQTT: which filter takes which, and those of Drift.

use alloc::string::String;

/// In front of the topics that Drift Core listens to.
pub const DRIFT_PREFIX: &str = "drift/";

/// Most bytes of a topic, or of a filter.
const MOST: usize = 65_535;

/// A filter of MQTT, such as `drift/+` or `drift/#`: checked once, matched level by level (MQTT 5.0, section 4.7).
///
/// ```
/// use drift_proto::TopicFilter;
///
/// let filter = TopicFilter::new("drift/#").unwrap();
/// assert!(filter.matches("drift/sensor") && filter.matches("drift"));
/// assert!(!filter.matches("drifted/sensor"));
/// assert!(TopicFilter::new("drift#").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TopicFilter {
    text: String,
    /// Where the filter begins, behind the name of a share.
    start: usize,
}

impl TopicFilter {
    /// A filter, if it is one: 1 to 65 535 bytes, no NUL, `+` and `#` alone in their levels, `#` in the last. In a shared subscription,
    /// `$share/<name>/<filter>` (section 4.8.2), the filter is that behind the name.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let filter = match text.strip_prefix("$share/") {
            None => text,
            Some(shared) => {
                shared.split_once('/').filter(|(name, _)| !name.is_empty() && !name.contains(['+', '#']))?.1
            }
        };
        let fits = !filter.is_empty() && text.len() <= MOST && !text.contains('\0');
        let mut levels = filter.split('/');
        let last = levels.next_back()?;
        let plain = |level: &str| level == "+" || !level.contains(['+', '#']);
        (fits && levels.all(plain) && (last == "#" || plain(last)))
            .then(|| Self { text: text.into(), start: text.len().saturating_sub(filter.len()) })
    }

    /// The filter.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it takes a topic, which has no wildcards. One that begins with `$` is the broker's, and no wildcard in the first level takes it.
    #[must_use]
    pub fn matches(&self, topic: &str) -> bool {
        let filter = self.text.get(self.start..).unwrap_or_default();
        if !is_topic(topic) || topic.starts_with('$') && filter.starts_with(['+', '#']) {
            return false;
        }
        let mut levels = topic.split('/');
        for due in filter.split('/') {
            if due == "#" {
                return true;
            }
            match levels.next() {
                Some(level) if due == "+" || due == level => {}
                // `a/#` takes `a`, too: its last level is not there.
                _ => return false,
            }
        }
        levels.next().is_none()
    }
}

/// Whether a topic is one that may be published to: 1 to 65 535 bytes, no NUL, no wildcards.
#[must_use]
pub fn is_topic(topic: &str) -> bool {
    !topic.is_empty() && topic.len() <= MOST && !topic.contains(['\0', '+', '#'])
}

/// The topic of a source, behind [`DRIFT_PREFIX`] or another prefix, which ends with a slash as a rule; `None` if that is no topic.
#[must_use]
pub fn topic_of(prefix: &str, source: &str) -> Option<String> {
    let topic = [prefix, source].concat();
    (!source.is_empty() && is_topic(&topic)).then_some(topic)
}

/// The source of a topic, if it is one, has this prefix and something behind it.
#[must_use]
pub fn source_of<'t>(prefix: &str, topic: &'t str) -> Option<&'t str> {
    topic.strip_prefix(prefix).filter(|source| !source.is_empty() && is_topic(topic))
}
