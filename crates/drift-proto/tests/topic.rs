//! Topics and filters: the tables of MQTT 5.0, sections 4.7 and 4.8.2, and a matcher that goes down level by level.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

use drift_proto::{DRIFT_PREFIX, TopicFilter, is_topic, source_of, topic_of};
use testkit::{Rng, rng};

fn matches(filter: &str, topic: &str) -> bool {
    let filter = TopicFilter::new(filter).unwrap_or_else(|| panic!("{filter:?} is a filter"));
    filter.matches(topic)
}

/// Section 4.7.1.2: `#` takes its parent and everything below.
#[test]
fn multi_level_wildcards() {
    for topic in ["sport/tennis/player1", "sport/tennis/player1/ranking", "sport/tennis/player1/score/wimbledon"] {
        assert!(matches("sport/tennis/player1/#", topic), "{topic}");
        assert!(matches("#", topic) && matches("sport/#", topic) && matches("sport/tennis/#", topic));
    }
    for topic in ["sport/tennis/player10", "sport/tennis", "sport/tennis/player", "Sport/tennis/player1"] {
        assert!(!matches("sport/tennis/player1/#", topic), "{topic}");
    }
    assert!(matches("sport/#", "sport") && matches("sport/#", "sport/"));
    assert!(!matches("sport/#", "sports") && !matches("sport/#", "/sport"));
    for filter in ["sport/tennis#", "sport/tennis/#/ranking", "#/", "##", "a/##", "#a", "+#", "a/#/#"] {
        assert_eq!(TopicFilter::new(filter), None, "{filter}");
    }
}

/// Section 4.7.1.3: `+` takes one level, which may be empty.
#[test]
fn single_level_wildcards() {
    assert!(matches("sport/tennis/+", "sport/tennis/player1") && matches("sport/tennis/+", "sport/tennis/player2"));
    assert!(!matches("sport/tennis/+", "sport/tennis/player1/ranking"));
    assert!(!matches("sport/+", "sport") && matches("sport/+", "sport/"));
    assert!(matches("+/+", "/finance") && matches("/+", "/finance") && !matches("+", "/finance"));
    assert!(matches("+", "finance") && matches("+/tennis/#", "sport/tennis/player1/ranking"));
    assert!(matches("sport/+/player1", "sport/tennis/player1") && !matches("sport/+/player1", "sport/player1"));
    for filter in ["sport+", "+sport", "a/b+/c", "++", "a/+b", "+/a+"] {
        assert_eq!(TopicFilter::new(filter), None, "{filter}");
    }
}

/// Section 4.7.2: what begins with `$` is the broker's.
#[test]
fn topics_of_the_broker() {
    for topic in ["$SYS/monitor/Clients", "$SYS", "$x", "$/a"] {
        assert!(
            !matches("#", topic)
                && !matches("+", topic)
                && !matches("+/#", topic)
                && !matches("+/monitor/Clients", topic)
        );
        assert!(matches(topic, topic));
    }
    assert!(
        matches("$SYS/#", "$SYS/monitor/Clients")
            && matches("$SYS/#", "$SYS")
            && matches("$SYS/monitor/+", "$SYS/monitor/Clients")
    );
    // Only at the very beginning.
    assert!(matches("+/$SYS", "a/$SYS") && matches("a/#", "a/$SYS") && matches("/+", "/$SYS") && matches("#", "a$"));
}

/// Section 4.7.3: letters of both cases, blanks, and slashes at both ends tell topics apart.
#[test]
fn topics_are_equal_by_their_characters() {
    assert!(matches("Accounts payable", "Accounts payable"));
    for (filter, topic) in
        [("ACCOUNTS", "Accounts"), ("/finance", "finance"), ("finance/", "finance"), ("a//b", "a/b"), ("é", "e\u{301}")]
    {
        assert!(!matches(filter, topic) && !matches(topic, filter), "{filter}");
    }
    assert!(matches("/", "/") && matches("+/+", "/") && matches("//", "//") && !matches("/", "//"));
    let (most, more) = ("ä".repeat(32_767) + "a", "ä".repeat(32_768));
    assert!(is_topic(&most) && matches(&most, &most) && TopicFilter::new(&more).is_none() && !is_topic(&more));
    for text in ["", "a\0b", "\0"] {
        assert!(!is_topic(text) && TopicFilter::new(text).is_none(), "{text:?}");
    }
    for text in ["#", "+", "a/+", "a/#", "a+b", "a#"] {
        assert!(!is_topic(text), "{text}");
    }
    assert!(is_topic("a") && is_topic("/") && is_topic("$SYS") && is_topic(" "));
    // What is no topic is taken by none.
    assert!(!matches("#", "") && !matches("+", "+") && !matches("#", "a/#") && !matches("+", ""));
}

/// Section 4.8.2: of a shared subscription the filter is behind the name.
#[test]
fn shared_subscriptions() {
    for (filter, topic, due) in [
        ("$share/consumer1/sport/tennis/+", "sport/tennis/player1", true),
        ("$share/consumer1//finance", "/finance", true),
        ("$share/consumer1/+/+", "/finance", true),
        ("$share/consumer1/finance", "/finance", false),
        ("$share/c/#", "a/b", true),
        ("$share/c/#", "$SYS/a", false),
        ("$share/c/$SYS/#", "$SYS/a", true),
        ("$share/c/a", "$share/c/a", false),
    ] {
        assert_eq!(matches(filter, topic), due, "{filter} {topic}");
        assert_eq!(TopicFilter::new(filter).unwrap().as_str(), filter);
    }
    for filter in ["$share//a", "$share/c", "$share/c/", "$share/", "$share/c+/a", "$share/#/a", "$share/c/a#"] {
        assert_eq!(TopicFilter::new(filter), None, "{filter}");
    }
}

/// Levels against levels.
fn oracle(filter: &[&str], topic: &[&str]) -> bool {
    match (filter, topic) {
        (["#"], _) | ([], []) => true,
        (["+", filter @ ..], [_, topic @ ..]) => oracle(filter, topic),
        ([due, filter @ ..], [level, topic @ ..]) => due == level && oracle(filter, topic),
        _ => false,
    }
}

#[test]
fn any_filter_and_any_topic() {
    let mut rng = Rng::new(rng::seed());
    let levels = ["", "a", "b", "ab", "$x", "A", "ä"];
    let (mut taken, mut not) = (0, 0);
    for _ in 0..if cfg!(miri) { 300 } else { 60_000 } {
        let topic: Vec<&str> = (0..=rng.below(4)).map(|_| *rng.choose(&levels)).collect();
        let mut filter = topic.clone();
        // Near to the topic, or they would never meet.
        for level in &mut filter {
            match rng.below(6) {
                0 | 1 => *level = "+",
                2 if rng.below(3) == 0 => *level = *rng.choose(&levels),
                _ => {}
            }
        }
        filter.truncate(1 + rng.below(6));
        match rng.below(6) {
            0 | 1 => filter.push("#"),
            2 => filter.push(*rng.choose(&levels)),
            _ => {}
        }
        let (filter_text, text) = (filter.join("/"), topic.join("/"));
        if filter_text.is_empty() || text.is_empty() {
            continue;
        }
        let of_the_broker = text.starts_with('$') && ["+", "#"].contains(&filter[0]);
        let due = !of_the_broker && oracle(&filter, &topic);
        assert_eq!(matches(&filter_text, &text), due, "{filter_text} {text}");
        assert_eq!(matches(&format!("$share/s/{filter_text}"), &text), due, "{filter_text} {text}");
        if due { taken += 1 } else { not += 1 }
    }
    assert!(cfg!(miri) || taken > 5_000 && not > 5_000, "{taken} {not}");
}

/// Of any text: a filter or not, by looking at its levels.
#[test]
fn any_text_is_a_filter_or_not() {
    let mut rng = Rng::new(rng::seed());
    for _ in 0..if cfg!(miri) { 300 } else { 30_000 } {
        let text: String = (0..rng.below(6)).map(|_| *rng.choose(&['+', '#', '/', 'a', '$', '\0'])).collect();
        let levels: Vec<&str> = text.split('/').collect();
        let (last, front) = levels.split_last().unwrap();
        let plain = |level: &str| !level.contains(['+', '#', '\0']);
        let due = !text.is_empty()
            && front.iter().all(|level| *level == "+" || plain(level))
            && (["+", "#"].contains(last) || plain(last));
        assert_eq!(TopicFilter::new(&text).is_some(), due, "{text:?}");
        assert_eq!(is_topic(&text), !text.is_empty() && plain(&text), "{text:?}");
    }
}

#[test]
fn topics_of_drift() {
    assert_eq!(DRIFT_PREFIX, "drift/");
    assert_eq!(topic_of(DRIFT_PREFIX, "sensor").as_deref(), Some("drift/sensor"));
    assert_eq!(topic_of("", "acc-5").as_deref(), Some("acc-5"));
    assert_eq!(topic_of("plant/7/", "a/b").as_deref(), Some("plant/7/a/b"));
    for source in ["", "+", "a#", "a\0"] {
        assert_eq!(topic_of(DRIFT_PREFIX, source), None, "{source:?}");
    }
    assert_eq!((topic_of("+/", "a"), topic_of("", "")), (None, None));
    assert_eq!(topic_of(DRIFT_PREFIX, &"a".repeat(65_530)), None);
    assert_eq!(topic_of(DRIFT_PREFIX, &"a".repeat(65_529)).map(|topic| topic.len()), Some(65_535));

    for (prefix, topic, due) in [
        (DRIFT_PREFIX, "drift/sensor", Some("sensor")),
        (DRIFT_PREFIX, "drift/a/b", Some("a/b")),
        (DRIFT_PREFIX, "drift/", None),
        (DRIFT_PREFIX, "drift", None),
        (DRIFT_PREFIX, "Drift/sensor", None),
        (DRIFT_PREFIX, "/drift/sensor", None),
        (DRIFT_PREFIX, "drift/+", None),
        ("", "acc-5", Some("acc-5")),
        ("", "", None),
    ] {
        assert_eq!(source_of(prefix, topic), due, "{topic}");
        if let Some(source) = due {
            assert_eq!(topic_of(prefix, source).as_deref(), Some(topic));
        }
    }
}
