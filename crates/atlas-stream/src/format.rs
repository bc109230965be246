use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::aggregates::Aggregates;
use crate::columns::{Columns, ParamKey, Span};
use crate::encode::{EncodeError, EncodeErrorKind, JsonOptions};
use crate::error::{DecodeError, DecodeErrorKind as Kind, Field, Limit};
use crate::json::{Cursor, Seen, Writer};
use crate::limits::Limits;
use crate::notes::Notes;
use crate::unknown::{Kept, UnknownMembers};

/// The document that tells which parameters the messages of a stream have, and in which order.
///
/// ```
/// use atlas_stream::{Aggregates, DataFormat, Feed};
///
/// let document = br#"{"feeds":{"":{"parameters":[{"identifier":"example:app","aggregates":"Avg"}],"frequency":100.0}}}"#;
/// let (format, _) = DataFormat::decode(document)?;
/// let feed = format.feed("").unwrap();
/// assert_eq!((feed.position("example:app"), feed.frequency), (Some(0), Some(100.0)));
///
/// let same = DataFormat::new().with_feed("", Feed::new(100.0).with("example:app", Aggregates::AVG));
/// assert_eq!(same.dependency_id()?, "9a9627b7bc25");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DataFormat<'a> {
    /// Feeds with their names, in the order of the document; the default one has the name `""`.
    pub feeds: Vec<(Cow<'a, str>, Feed<'a>)>,
    pub(crate) unknown: Kept<'a>,
}

/// Parameters that come together.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Feed<'a> {
    /// Their order is the order of data in messages.
    pub parameters: Vec<FeedParameter<'a>>,
    /// How often there is data, in Hz; 0 for no fixed rate: not to be divided by.
    pub frequency: Option<f64>,
    pub(crate) unknown: Kept<'a>,
}

/// A parameter of a feed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FeedParameter<'a> {
    /// Its name, such as `vCar:Chassis`.
    pub identifier: Cow<'a, str>,
    /// Which aggregates its data has; the mean if it is not said.
    pub aggregates: Aggregates,
    /// The aggregates as they came, if they are not written so here.
    text: Option<Cow<'a, str>>,
    pub(crate) unknown: Kept<'a>,
}

impl<'a> DataFormat<'a> {
    /// Without feeds.
    #[must_use]
    pub const fn new() -> Self {
        Self { feeds: Vec::new(), unknown: Kept::NONE }
    }

    /// Reads a document.
    ///
    /// # Errors
    ///
    /// What is not JSON; what lacks `feeds`, `parameters` in it, or `identifier` in those; members of another type than they have; limits.
    pub fn decode(document: &'a [u8]) -> Result<(Self, Notes), DecodeError> {
        Self::decode_with(document, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_with(document: &'a [u8], limits: &Limits) -> Result<(Self, Notes), DecodeError> {
        let mut cursor = Cursor::new(document, limits)?;
        let mut format = Self::new();
        let mut seen = Seen::default();
        let mut feeds = None;
        let end = cursor.object(Field::Value, |cursor, name| {
            if name.is("feeds") {
                seen.member(cursor, 0);
                feeds = cursor.optional(Field::Feeds, read_feeds)?;
                return Ok(());
            }
            format.unknown.push(cursor.whole(name)?);
            Ok(())
        })?;
        cursor.end()?;
        format.feeds = feeds.ok_or_else(|| DecodeError::json(Kind::MissingMember, end, Field::Feeds))?;
        Ok((format, cursor.notes))
    }

    /// The feed with this name.
    #[must_use]
    pub fn feed(&self, name: &str) -> Option<&Feed<'a>> {
        self.feeds.iter().find(|(of_feed, _)| of_feed == name).map(|(_, feed)| feed)
    }

    /// With a feed more, behind the others, or in place of the one with this name.
    #[must_use]
    pub fn with_feed(mut self, name: impl Into<Cow<'a, str>>, feed: Feed<'a>) -> Self {
        let name = name.into();
        match self.feeds.iter_mut().find(|(of_feed, _)| *of_feed == name) {
            Some((_, slot)) => *slot = feed,
            None => self.feeds.push((name, feed)),
        }
        self
    }

    /// Writes the document as the vendor's writer does: compactly, members in its order, and numbers with a point.
    ///
    /// # Errors
    ///
    /// A frequency that is no finite number; a feed twice; limits. Nothing was written then.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_with(out, &Limits::DEFAULT)
    }

    /// The same under other limits.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn encode_with(&self, out: &mut Vec<u8>, limits: &Limits) -> Result<(), EncodeError> {
        let mut names: Vec<&str> = self.feeds.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [one, two] if one == two)) {
            return Err(EncodeError::new(EncodeErrorKind::Duplicate, "feeds"));
        }
        let options = JsonOptions::DEFAULT.with_limits(*limits);
        Writer::write(out, &options, |writer| {
            let mut first = true;
            writer.raw("{\"feeds\":{");
            for (name, feed) in &self.feeds {
                writer.name(&mut first, name);
                feed.put(writer, limits)?;
            }
            writer.raw("}");
            writer.unknown(&mut false, self.unknown());
            writer.raw("}");
            Ok(())
        })
    }

    /// The id that the service makes of the document as [`encode`](Self::encode) writes it. Who stores it goes by the id that the service returns.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn dependency_id(&self) -> Result<String, EncodeError> {
        let mut document = Vec::new();
        self.encode(&mut document)?;
        Ok(crate::dependency::id_of(&document))
    }

    /// Members of its JSON that nobody here knows.
    #[must_use]
    pub fn unknown(&self) -> UnknownMembers<'_> {
        self.unknown.members()
    }

    /// The same with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> DataFormat<'static> {
        DataFormat {
            feeds: self.feeds.into_iter().map(|(name, feed)| (own(name), feed.into_owned())).collect(),
            unknown: self.unknown.into_owned(),
        }
    }
}

fn own(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

impl<'a> Feed<'a> {
    /// Without parameters, at a frequency in Hz.
    #[must_use]
    pub const fn new(frequency: f64) -> Self {
        Self { parameters: Vec::new(), frequency: Some(frequency), unknown: Kept::NONE }
    }

    /// The place of a parameter: the last, if it is there twice.
    #[must_use]
    pub fn position(&self, identifier: &str) -> Option<u32> {
        let place = self.parameters.iter().rposition(|parameter| parameter.identifier == identifier)?;
        u32::try_from(place).ok()
    }

    /// With a parameter more, behind the others.
    #[must_use]
    pub fn with(mut self, identifier: impl Into<Cow<'a, str>>, aggregates: Aggregates) -> Self {
        self.parameters.push(FeedParameter::new(identifier, aggregates));
        self
    }

    /// Members of its JSON that nobody here knows.
    #[must_use]
    pub fn unknown(&self) -> UnknownMembers<'_> {
        self.unknown.members()
    }

    fn put(&self, writer: &mut Writer<'_>, limits: &Limits) -> Result<(), EncodeError> {
        if self.parameters.len() > limits.max_parameters as usize {
            return Err(EncodeError::new(EncodeErrorKind::LimitExceeded, "max_parameters"));
        }
        writer.raw("{\"parameters\":[");
        let mut comma = "";
        for parameter in &self.parameters {
            writer.raw(comma);
            comma = ",";
            writer.raw("{\"identifier\":");
            writer.text(&parameter.identifier);
            writer.raw(",\"aggregates\":");
            parameter.put_aggregates(writer);
            writer.unknown(&mut false, parameter.unknown.members());
            writer.raw("}");
        }
        writer.raw("]");
        if let Some(frequency) = self.frequency {
            writer.raw(",\"frequency\":");
            writer.finite(frequency, "frequency")?;
        }
        writer.unknown(&mut false, self.unknown());
        writer.raw("}");
        Ok(())
    }

    /// The same with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Feed<'static> {
        let parameters = self.parameters.into_iter().map(|parameter| FeedParameter {
            identifier: own(parameter.identifier),
            aggregates: parameter.aggregates,
            text: parameter.text.map(own),
            unknown: parameter.unknown.into_owned(),
        });
        Feed { parameters: parameters.collect(), frequency: self.frequency, unknown: self.unknown.into_owned() }
    }
}

impl<'a> FeedParameter<'a> {
    /// A parameter with these aggregates.
    #[must_use]
    pub fn new(identifier: impl Into<Cow<'a, str>>, aggregates: Aggregates) -> Self {
        Self { identifier: identifier.into(), aggregates, text: None, unknown: Kept::NONE }
    }

    /// Names among its aggregates that nobody here knows.
    pub fn unknown_aggregates(&self) -> impl Iterator<Item = &str> {
        Aggregates::parse(self.text.as_deref().unwrap_or_default()).1
    }

    /// Members of its JSON that nobody here knows.
    #[must_use]
    pub fn unknown(&self) -> UnknownMembers<'_> {
        self.unknown.members()
    }

    /// As they came, as long as they are what came; else as the vendor's writer has them.
    fn put_aggregates(&self, writer: &mut Writer<'_>) {
        match self.text.as_deref().filter(|text| Aggregates::parse(text).0 == self.aggregates) {
            Some(text) => writer.text(text),
            None => writer.text(&self.aggregates.to_string()),
        }
    }
}

fn read_feeds<'a>(cursor: &mut Cursor<'a>, field: Field) -> Result<Vec<(Cow<'a, str>, Feed<'a>)>, DecodeError> {
    let mut feeds: Vec<(Cow<'a, str>, Feed<'a>)> = Vec::new();
    // Of feeds of one name the last counts, as of members elsewhere.
    let mut places = BTreeMap::new();
    cursor.object(field, |cursor, name| {
        let (name, feed) = (name.to_cow(), read_feed(cursor, Field::Feed)?);
        let place = *places.entry(name.clone()).or_insert(feeds.len());
        match feeds.get_mut(place) {
            Some((_, slot)) => {
                cursor.notes |= Notes::DUPLICATE_MEMBER;
                *slot = feed;
            }
            None => feeds.push((name, feed)),
        }
        Ok(())
    })?;
    Ok(feeds)
}

fn read_feed<'a>(cursor: &mut Cursor<'a>, field: Field) -> Result<Feed<'a>, DecodeError> {
    let mut feed = Feed::default();
    let mut parameters = None;
    let mut seen = Seen::default();
    let end = cursor.object(field, |cursor, name| {
        match &*name.to_cow() {
            "parameters" => {
                seen.member(cursor, 0);
                parameters = cursor.optional(Field::Parameters, read_parameters)?;
            }
            "frequency" => {
                seen.member(cursor, 1);
                feed.frequency = cursor.optional(Field::Frequency, Cursor::double)?;
            }
            _ => feed.unknown.push(cursor.whole(name)?),
        }
        Ok(())
    })?;
    feed.parameters = parameters.ok_or_else(|| DecodeError::json(Kind::MissingMember, end, Field::Parameters))?;
    Ok(feed)
}

fn read_parameters<'a>(cursor: &mut Cursor<'a>, field: Field) -> Result<Vec<FeedParameter<'a>>, DecodeError> {
    let mut parameters = Vec::new();
    let mut names = alloc::collections::BTreeSet::new();
    cursor.array(field, |cursor, place| {
        let max = cursor.limits().max_parameters;
        if place >= max as usize {
            return Err(cursor.fault(Kind::LimitExceeded, field).over(
                Limit::MaxParameters,
                place.saturating_add(1),
                max,
            ));
        }
        let parameter = read_parameter(cursor)?;
        if !names.insert(parameter.identifier.clone()) {
            cursor.notes |= Notes::DUPLICATE_MEMBER;
        }
        parameters.push(parameter);
        Ok(())
    })?;
    Ok(parameters)
}

fn read_parameter<'a>(cursor: &mut Cursor<'a>) -> Result<FeedParameter<'a>, DecodeError> {
    let mut seen = Seen::default();
    let (mut identifier, mut text, mut unknown) = (None, None, Kept::NONE);
    let end = cursor.object(Field::Item, |cursor, name| {
        match &*name.to_cow() {
            "identifier" => {
                seen.member(cursor, 0);
                identifier = cursor.optional(Field::Identifier, Cursor::cow)?;
            }
            "aggregates" => {
                seen.member(cursor, 1);
                text = cursor.optional(Field::Aggregates, Cursor::cow)?;
            }
            _ => unknown.push(cursor.whole(name)?),
        }
        Ok(())
    })?;
    let identifier = identifier.ok_or_else(|| DecodeError::json(Kind::MissingMember, end, Field::Identifier))?;
    let aggregates = match &text {
        Some(text) => {
            let (aggregates, mut others) = Aggregates::parse(text);
            if others.next().is_some() {
                cursor.notes |= Notes::UNKNOWN_NAME;
            }
            aggregates
        }
        None => Aggregates::AVG,
    };
    let text = text.filter(|text| **text != *aggregates.to_string());
    Ok(FeedParameter { identifier, aggregates, text, unknown })
}

impl Columns {
    /// Gives parameters that have an index their names, as JSON has samples.
    ///
    /// # Errors
    ///
    /// Other telemetry than samples, an index that the feed does not have, or two parameters of one name. Nothing is changed then.
    pub fn name_parameters(&mut self, feed: &Feed<'_>) -> Result<(), EncodeError> {
        if !self.kind.is_samples() {
            return Err(EncodeError::new(EncodeErrorKind::WrongKind, "data"));
        }
        let mut names = String::new();
        let mut spans = Vec::with_capacity(self.entries.len());
        for place in 0..self.entries.len() {
            let name = match self.parameter(place).map(|parameter| parameter.key()) {
                Some(ParamKey::Name(name)) => name,
                Some(ParamKey::Index(index)) => match feed.parameters.get(index as usize) {
                    Some(parameter) => &parameter.identifier,
                    None => return Err(EncodeError::new(EncodeErrorKind::MissingName, "parameters")),
                },
                None => "",
            };
            let start = names.len();
            names.push_str(name);
            spans.push(Span::new(start, names.len(), 0));
        }
        let mut sorted: Vec<&str> = spans.iter().map(|span| span.text(&names)).collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| matches!(pair, [one, two] if one == two)) {
            return Err(EncodeError::new(EncodeErrorKind::Duplicate, "data"));
        }
        self.names = names;
        for (entry, span) in self.entries.iter_mut().zip(spans) {
            entry.name = span;
        }
        self.index_names();
        Ok(())
    }

    /// Gives parameters that have a name their indexes, as protobuf has samples.
    ///
    /// # Errors
    ///
    /// A name that the feed does not have, or two parameters of one index. Nothing is changed then.
    pub fn index_parameters(&mut self, feed: &Feed<'_>) -> Result<(), EncodeError> {
        let by_name: BTreeMap<&str, u32> =
            (0..).zip(&feed.parameters).map(|(index, parameter)| (&*parameter.identifier, index)).collect();
        let mut indexes = Vec::with_capacity(self.entries.len());
        for place in 0..self.entries.len() {
            indexes.push(match self.parameter(place).map(|parameter| parameter.key()) {
                Some(ParamKey::Name(name)) => {
                    *by_name.get(name).ok_or(EncodeError::new(EncodeErrorKind::MissingIndex, "parameters"))?
                }
                Some(ParamKey::Index(index)) => index,
                None => 0,
            });
        }
        let mut sorted = indexes.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| matches!(pair, [one, two] if one == two)) {
            return Err(EncodeError::new(EncodeErrorKind::Duplicate, "parameters"));
        }
        for (entry, index) in self.entries.iter_mut().zip(indexes) {
            (entry.index, entry.name) = (index, Span::NONE);
        }
        self.forget_names();
        Ok(())
    }
}
