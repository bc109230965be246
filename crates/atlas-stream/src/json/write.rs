//! JSON, written compactly, with members in the order of the documents.

use alloc::vec::Vec;

use crate::column::Column;
use crate::columns::{ParamKey, Parameter};
use crate::encode::{EncodeError, EncodeErrorKind as Kind, JsonOptions, NanForm};
use crate::event::Event;
use crate::lap::Lap;
use crate::session::{Activity, Model, Session};
use crate::sync::Sync;
use crate::telemetry::TelemetryRef;
use crate::unknown::UnknownMembers;

/// Puts values behind what is in a vector.
pub(crate) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    options: JsonOptions,
    /// How deep it is, if that is known without looking.
    depth: Option<u8>,
    /// Sessions in a session, so far.
    sources: u32,
}

impl<'o> Writer<'o> {
    /// Writes a value, or nothing of it.
    pub(crate) fn write(
        out: &'o mut Vec<u8>,
        options: &JsonOptions,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        let mut writer = Self { out, start, options: *options, depth: None, sources: 0 };
        let written = write(&mut writer).and_then(|()| writer.check());
        if written.is_err() {
            writer.out.truncate(start);
        }
        written
    }

    /// That it would be read again.
    fn check(&self) -> Result<(), EncodeError> {
        let len = self.out.len().saturating_sub(self.start);
        if u32::try_from(len).map_or(true, |len| len > self.options.limits.max_len) {
            return Err(EncodeError::new(Kind::LimitExceeded, "max_len"));
        }
        let depth = self.depth.unwrap_or_else(|| deepest(self.out.get(self.start..).unwrap_or_default()));
        if depth > self.options.limits.depth() {
            return Err(EncodeError::new(Kind::LimitExceeded, "max_depth"));
        }
        Ok(())
    }

    pub(crate) fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.out.push(b'"');
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\')) {
            let (plain, escaped) = rest.split_at_checked(at).unwrap_or_default();
            self.raw(plain);
            let byte = escaped.bytes().next().unwrap_or_default();
            match byte {
                b'"' => self.raw("\\\""),
                b'\\' => self.raw("\\\\"),
                b'\n' => self.raw("\\n"),
                b'\r' => self.raw("\\r"),
                b'\t' => self.raw("\\t"),
                control => {
                    const HEX: &[u8; 16] = b"0123456789abcdef";
                    let digit = |bits: u8| HEX.get(usize::from(bits & 15)).copied().unwrap_or_default();
                    self.out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(control >> 4), digit(control)]);
                }
            }
            rest = escaped.get(1..).unwrap_or_default();
        }
        self.raw(rest);
        self.out.push(b'"');
    }

    pub(crate) fn integer(&mut self, value: i64) {
        self.raw(itoa::Buffer::new().format(value));
    }

    /// A member with its comma, if it is not the first.
    pub(crate) fn name(&mut self, is_first: &mut bool, name: &str) {
        if !core::mem::take(is_first) {
            self.out.push(b',');
        }
        self.text(name);
        self.out.push(b':');
    }

    /// A finite number.
    pub(crate) fn finite(&mut self, value: f64, what: &'static str) -> Result<(), EncodeError> {
        if !value.is_finite() {
            return Err(EncodeError::new(Kind::NotFinite, what));
        }
        self.double(value);
        Ok(())
    }

    /// With a point or an exponent, as the vendor's writer has them.
    #[inline]
    fn double(&mut self, value: f64) {
        if let Some(hundredths) = hundredths(value) {
            self.hundredths(hundredths);
        } else if value.is_finite() {
            self.raw(zmij::Buffer::new().format_finite(value));
        } else {
            self.not_finite(value);
        }
    }

    #[cold]
    fn not_finite(&mut self, value: f64) {
        let name = if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        match self.options.nan {
            NanForm::Bare => self.raw(name),
            NanForm::Null if value.is_nan() => self.raw("null"),
            NanForm::Quoted | NanForm::Null => self.text(name),
        }
    }

    /// A number with two decimals at most, of which the second is not zero.
    #[inline]
    fn hundredths(&mut self, value: i32) {
        const DIGITS: &[u8; 10] = b"0123456789";
        if value < 0 {
            self.out.push(b'-');
        }
        let magnitude = value.unsigned_abs();
        let (whole, decimals) = (magnitude / 100, magnitude % 100);
        self.raw(itoa::Buffer::new().format(whole));
        let digit = |value: u32| DIGITS.get(value as usize).copied().unwrap_or_default();
        let text = [b'.', digit(decimals / 10), digit(decimals % 10)];
        let len = if decimals % 10 == 0 { 2 } else { 3 };
        self.out.extend_from_slice(text.get(..len).unwrap_or_default());
    }

    fn array<T>(&mut self, items: impl IntoIterator<Item = T>, mut each: impl FnMut(&mut Self, T)) {
        self.out.push(b'[');
        let mut is_first = true;
        for item in items {
            if !core::mem::take(&mut is_first) {
                self.out.push(b',');
            }
            each(self, item);
        }
        self.out.push(b']');
    }

    fn doubles(&mut self, column: Column<'_>) {
        self.array(column, Self::double);
    }

    fn flags(&mut self, column: Column<'_, u32>) {
        self.array(column, |writer, flags| match u8::try_from(flags) {
            Ok(digit @ ..10) => writer.out.push(b'0'.wrapping_add(digit)),
            _ => writer.integer(flags.into()),
        });
    }

    pub(crate) fn unknown(&mut self, is_first: &mut bool, members: UnknownMembers<'_>) {
        if !members.is_empty() {
            if !core::mem::take(is_first) {
                self.out.push(b',');
            }
            self.depth = None;
            self.raw(members.as_str());
        }
    }

    fn data(&mut self, parameter: &Parameter<'_>) {
        self.raw("{\"status\":");
        self.flags(parameter.statuses.unwrap_or(Column::EMPTY));
        for (name, column) in [",\"avg\":", ",\"min\":", ",\"max\":", ",\"first\":"].into_iter().zip(parameter.values) {
            if let Some(column) = column {
                self.raw(name);
                self.doubles(column);
            }
        }
        self.unknown(&mut false, parameter.unknown);
        self.raw("}");
    }

    fn samples(&mut self, parameter: &Parameter<'_>) -> Result<(), EncodeError> {
        let ParamKey::Name(name) = parameter.key else { return Err(EncodeError::new(Kind::MissingName, "data")) };
        self.text(name);
        self.raw(":{\"values\":");
        self.doubles(parameter.values().unwrap_or(Column::EMPTY));
        self.raw(",\"epoch\":");
        self.integer(parameter.epoch);
        self.raw(",\"time\":");
        self.array(parameter.times, Self::integer);
        self.unknown(&mut false, parameter.unknown);
        self.raw("}");
        Ok(())
    }

    fn telemetry(&mut self, telemetry: &TelemetryRef<'_>) -> Result<(), EncodeError> {
        let kind = telemetry.kind();
        // The value, `data`, what is of a parameter, and an array in that.
        self.depth = Some(if telemetry.is_empty() { 2 } else { 4 });
        if kind.is_back_fill() {
            return Err(EncodeError::new(Kind::NoJson, "data"));
        }
        if telemetry.len() > self.options.limits.max_parameters as usize {
            return Err(EncodeError::new(Kind::LimitExceeded, "max_parameters"));
        }
        if kind.is_samples() {
            let format = telemetry.format().ok_or(EncodeError::new(Kind::MissingFormat, "format"))?;
            self.raw("{\"feed\":");
            self.text(telemetry.feed());
            self.raw(",\"format\":");
            self.text(format);
            self.raw(",\"data\":{");
            let mut is_first = true;
            for parameter in telemetry.parameters() {
                if !core::mem::take(&mut is_first) {
                    self.raw(",");
                }
                self.samples(&parameter)?;
            }
            self.raw("}");
        } else {
            self.raw("{\"epoch\":");
            self.integer(telemetry.epoch());
            self.raw(",\"time\":");
            self.array(telemetry.times(), Self::integer);
            self.raw(",\"data\":[");
            self.in_order(telemetry)?;
            self.raw("],\"feed\":");
            self.text(telemetry.feed());
            if let Some(format) = telemetry.format() {
                self.raw(",\"format\":");
                self.text(format);
            }
        }
        self.unknown(&mut false, telemetry.unknown());
        self.raw("}");
        Ok(())
    }

    /// Data has no index but its place.
    fn in_order(&mut self, telemetry: &TelemetryRef<'_>) -> Result<(), EncodeError> {
        let is_at = |place: usize, parameter: &Parameter<'_>| matches!(parameter.key, ParamKey::Index(index) if index as usize == place);
        let write = |writer: &mut Self, place: usize, parameter: &Parameter<'_>| {
            if place > 0 {
                writer.raw(",");
            }
            writer.data(parameter);
        };
        if telemetry.parameters().enumerate().all(|(place, parameter)| is_at(place, &parameter)) {
            telemetry.parameters().enumerate().for_each(|(place, parameter)| write(self, place, &parameter));
            return Ok(());
        }
        let mut sorted: Vec<_> = telemetry.parameters().collect();
        sorted.sort_by_key(|parameter| parameter.key);
        for (place, parameter) in sorted.iter().enumerate() {
            if !is_at(place, parameter) {
                return Err(EncodeError::new(Kind::Gap, "data"));
            }
            write(self, place, parameter);
        }
        Ok(())
    }

    /// Those it was made of by recursion, in a function that keeps little on the stack.
    fn session(&mut self, session: &Session<'_>, depth: u8) -> Result<(), EncodeError> {
        let depth = depth.checked_sub(1).ok_or(EncodeError::new(Kind::LimitExceeded, "max_depth"))?;
        self.members(session)?;
        if !session.sources.is_empty() {
            self.raw(",\"sources\":[");
            let mut comma = "";
            for source in &session.sources {
                self.sources = self.sources.saturating_add(1);
                if self.sources > self.options.limits.max_parameters {
                    return Err(EncodeError::new(Kind::LimitExceeded, "max_parameters"));
                }
                self.raw(comma);
                comma = ",";
                self.session(source, depth)?;
            }
            self.raw("]");
        }
        self.optional_text(&mut false, "label", session.label.as_deref());
        self.unknown(&mut false, session.unknown());
        self.raw("}");
        Ok(())
    }

    /// Begins a session, up to what it was made of.
    #[inline(never)]
    fn members(&mut self, session: &Session<'_>) -> Result<(), EncodeError> {
        let mut first = true;
        self.raw("{");
        self.name(&mut first, "id");
        self.text(&session.id);
        self.name(&mut first, "state");
        let state = session.state.name().or(session.other_state.as_deref());
        self.text(state.ok_or(EncodeError::new(Kind::UnknownState, "state"))?);
        self.optional_text(&mut first, "type", session.session_type.as_deref());
        if let Some(quality) = session.quality {
            self.name(&mut first, "quality");
            self.finite(quality, "quality")?;
        }
        self.optional_text(&mut first, "identifier", session.identifier.as_deref());
        if let Some(details) = &session.details {
            self.name(&mut first, "details");
            self.raw("{");
            let mut first = true;
            for (name, text) in details {
                self.name(&mut first, name);
                self.text(text);
            }
            self.raw("}");
        }
        if let Some(model) = &session.model {
            self.name(&mut first, "model");
            self.model(model);
        }
        if let Some(dependencies) = &session.dependencies {
            self.name(&mut first, "dependencies");
            self.raw("{");
            let mut first = true;
            for (name, ids) in dependencies {
                self.name(&mut first, name);
                self.array(ids, |writer, id| writer.text(id));
            }
            self.raw("}");
        }
        if let Some(activity) = &session.activity {
            self.name(&mut first, "activity");
            self.activity(activity)?;
        }
        self.optional_text(&mut first, "lastHeartbeat", session.last_heartbeat.as_ref().map(|time| time.as_str()));
        Ok(())
    }

    fn model(&mut self, model: &Model<'_>) {
        let mut first = true;
        self.raw("{");
        self.name(&mut first, "group");
        self.text(&model.group);
        if let Some(version) = model.version {
            self.name(&mut first, "version");
            self.integer(version);
        }
        self.optional_text(&mut first, "configuration", model.configuration.as_deref());
        self.unknown(&mut first, model.unknown.members());
        self.raw("}");
    }

    fn activity(&mut self, activity: &Activity<'_>) -> Result<(), EncodeError> {
        let mut first = true;
        self.raw("{");
        self.optional_text(&mut first, "start", activity.start.as_ref().map(|time| time.as_str()));
        if let Some(nanos) = activity.duration_nanos {
            if nanos < 0 {
                return Err(EncodeError::new(Kind::Negative, "durationNanos"));
            }
            self.name(&mut first, "durationNanos");
            self.integer(nanos);
        }
        self.unknown(&mut first, activity.unknown.members());
        self.raw("}");
        Ok(())
    }

    pub(crate) fn optional_text(&mut self, is_first: &mut bool, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.name(is_first, name);
            self.text(text);
        }
    }
}

/// Most arrays and objects of JSON in one another.
fn deepest(json: &[u8]) -> u8 {
    let (mut depth, mut most, mut is_text) = (0_u32, 0_u32, false);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => is_text = !is_text,
            // What follows does not end the text.
            b'\\' if is_text => drop(bytes.next()),
            b'{' | b'[' if !is_text => {
                depth = depth.saturating_add(1);
                most = most.max(depth);
            }
            b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    u8::try_from(most).unwrap_or(u8::MAX)
}

/// The hundredths that a number is, if it is as near to them as a double can be; of many digits, and of zeros with a sign, `None`.
#[inline]
fn hundredths(value: f64) -> Option<i32> {
    const MOST: f64 = 2e9;
    let scaled = value * 100.0;
    if !(-MOST..MOST).contains(&scaled) {
        return None;
    }
    let nearest = scaled + if scaled < 0.0 { -0.5 } else { 0.5 };
    #[expect(clippy::cast_possible_truncation, reason = "its fraction is to be cut off, and it is in range")]
    let nearest = nearest as i32;
    // One division rounds once: what it gives is the nearest double of the decimal text.
    let is_same = (f64::from(nearest) / 100.0).to_bits() == value.to_bits();
    is_same.then_some(nearest)
}

impl TelemetryRef<'_> {
    /// Writes it as `tdata` or `tsamples`.
    ///
    /// # Errors
    ///
    /// What comes late has no JSON; samples need a format and names, data all parameters up to the last; limits. Nothing was written then.
    pub fn encode_json(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_json_with(out, &JsonOptions::DEFAULT)
    }

    /// The same with other options.
    ///
    /// # Errors
    ///
    /// As [`encode_json`](Self::encode_json).
    pub fn encode_json_with(&self, out: &mut Vec<u8>, options: &JsonOptions) -> Result<(), EncodeError> {
        Writer::write(out, options, |writer| writer.telemetry(self))
    }
}

impl Session<'_> {
    /// Writes it.
    ///
    /// # Errors
    ///
    /// A state without a name; a quality that is no finite number; a duration below 0; limits. Nothing was written then.
    pub fn encode_json(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_json_with(out, &JsonOptions::DEFAULT)
    }

    /// The same with other options.
    ///
    /// # Errors
    ///
    /// As [`encode_json`](Self::encode_json).
    pub fn encode_json_with(&self, out: &mut Vec<u8>, options: &JsonOptions) -> Result<(), EncodeError> {
        Writer::write(out, options, |writer| writer.session(self, options.limits.depth()))
    }
}

impl Event<'_> {
    /// Writes it as `events`.
    ///
    /// # Errors
    ///
    /// A time beyond 64 bits; limits. Nothing was written then.
    pub fn encode_json(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_json_with(out, &JsonOptions::DEFAULT)
    }

    /// The same with other options.
    ///
    /// # Errors
    ///
    /// As [`encode_json`](Self::encode_json).
    pub fn encode_json_with(&self, out: &mut Vec<u8>, options: &JsonOptions) -> Result<(), EncodeError> {
        in_range(self.epoch, self.time)?;
        Writer::write(out, options, |writer| {
            let mut first = true;
            writer.raw("{");
            writer.name(&mut first, "epoch");
            writer.integer(self.epoch);
            writer.name(&mut first, "time");
            writer.integer(self.time);
            writer.name(&mut first, "id");
            writer.text(&self.id);
            writer.optional_text(&mut first, "status", self.status.as_deref());
            writer.name(&mut first, "values");
            writer.doubles(self.values.column());
            writer.unknown(&mut first, self.unknown());
            writer.raw("}");
            Ok(())
        })
    }
}

impl Lap<'_> {
    /// Writes it.
    ///
    /// # Errors
    ///
    /// A time beyond 64 bits; limits. Nothing was written then.
    pub fn encode_json(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_json_with(out, &JsonOptions::DEFAULT)
    }

    /// The same with other options.
    ///
    /// # Errors
    ///
    /// As [`encode_json`](Self::encode_json).
    pub fn encode_json_with(&self, out: &mut Vec<u8>, options: &JsonOptions) -> Result<(), EncodeError> {
        in_range(self.epoch, self.time)?;
        Writer::write(out, options, |writer| {
            let mut first = true;
            writer.raw("{");
            for (name, value) in [("number", self.number), ("epoch", self.epoch), ("time", self.time)] {
                writer.name(&mut first, name);
                writer.integer(value);
            }
            writer.optional_text(&mut first, "type", Some(self.lap_type.name()));
            writer.name(&mut first, "triggerSource");
            writer.integer(self.trigger_source.0);
            writer.unknown(&mut first, self.unknown());
            writer.raw("}");
            Ok(())
        })
    }
}

impl Sync<'_> {
    /// Writes it; without a time and anything else that is nothing.
    ///
    /// # Errors
    ///
    /// Limits. Nothing was written then.
    pub fn encode_json(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_json_with(out, &JsonOptions::DEFAULT)
    }

    /// The same with other options.
    ///
    /// # Errors
    ///
    /// As [`encode_json`](Self::encode_json).
    pub fn encode_json_with(&self, out: &mut Vec<u8>, options: &JsonOptions) -> Result<(), EncodeError> {
        if *self == Self::default() {
            return Ok(());
        }
        Writer::write(out, options, |writer| {
            let mut first = true;
            writer.raw("{");
            for (name, value) in [("epoch", self.epoch), ("time", self.time)] {
                if let Some(value) = value {
                    writer.name(&mut first, name);
                    writer.integer(value);
                }
            }
            writer.unknown(&mut first, self.unknown());
            writer.raw("}");
            Ok(())
        })
    }
}

fn in_range(epoch: i64, time: i64) -> Result<(), EncodeError> {
    match epoch.checked_add(time) {
        Some(_) => Ok(()),
        None => Err(EncodeError::new(Kind::TimeOverflow, "time")),
    }
}
