//! Columns, put together to be written.

use crate::aggregates::Aggregates;
use crate::columns::{Columns, Entry, ParamKey, Span, are_in_range};
use crate::encode::{EncodeError, EncodeErrorKind as Kind};
use crate::telemetry::TelemetryKind;

impl Columns {
    /// Begins data, in place of what was there, at times in nanoseconds since the epoch that all parameters share.
    ///
    /// ```
    /// use atlas_stream::{Aggregates, Columns, TelemetryRef};
    ///
    /// let mut columns = Columns::new();
    /// columns.start_data("9a9627b7bc25", "", 1_511_091_963_784_000_000, &[10_000_000, 20_000_000])?;
    /// columns.push_data(&[1, 1], &[(Aggregates::AVG, &[0.0, 10.0])])?;
    /// let mut json = Vec::new();
    /// TelemetryRef::from(&columns).encode_json(&mut json)?;
    /// assert_eq!(json, br#"{"epoch":1511091963784000000,"time":[10000000,20000000],"data":[{"status":[1,1],"avg":[0.0,10.0]}],"feed":"","format":"9a9627b7bc25"}"#);
    /// # Ok::<(), atlas_stream::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Times beyond 64 bits since 1970. Nothing is there then.
    pub fn start_data(
        &mut self,
        format: &str,
        feed: &str,
        epoch: i64,
        times: &[i64],
    ) -> Result<&mut Self, EncodeError> {
        self.start(TelemetryKind::Data, format, feed);
        match take_times(self, epoch, times) {
            Ok(times) => {
                (self.epoch, self.common_times) = (epoch, times);
                Ok(self)
            }
            Err(error) => {
                self.clear(TelemetryKind::Data);
                Err(error)
            }
        }
    }

    /// Begins telemetry of another kind, in place of what was there; each parameter has times of its own. A format without a name is none.
    pub fn start(&mut self, kind: TelemetryKind, format: &str, feed: &str) -> &mut Self {
        self.clear(kind);
        self.format.set(format);
        self.feed.set(feed);
        self.common_times = Span::NONE;
        self
    }

    /// Adds the parameter of data behind the last: a status for each time, and the aggregates that the data format tells.
    ///
    /// # Errors
    ///
    /// Arrays that are not as long as the times; an aggregate twice, or several at once; other telemetry than data; more than 2³² values. Nothing is
    /// added then.
    pub fn push_data(
        &mut self,
        statuses: &[u32],
        aggregates: &[(Aggregates, &[f64])],
    ) -> Result<&mut Self, EncodeError> {
        let last = self.entries.last().map(|entry| entry.index);
        let next = last.map_or(Some(0), |last| last.checked_add(1));
        let next = next.ok_or(EncodeError::new(Kind::LimitExceeded, "max_parameters"))?;
        self.push_data_at(next, statuses, aggregates)
    }

    /// The same by its index in the feed: in protobuf not all parameters have to be there, nor in order.
    ///
    /// # Errors
    ///
    /// As [`push_data`](Self::push_data).
    pub fn push_data_at(
        &mut self,
        index: u32,
        statuses: &[u32],
        aggregates: &[(Aggregates, &[f64])],
    ) -> Result<&mut Self, EncodeError> {
        if self.kind != TelemetryKind::Data {
            return Err(EncodeError::new(Kind::WrongKind, "data"));
        }
        let mut entry = Entry::new(index);
        (entry.epoch, entry.times) = (self.epoch, self.common_times);
        self.push_values(entry, statuses, aggregates)
    }

    /// Adds a parameter of data that comes late, by its index in the feed.
    ///
    /// # Errors
    ///
    /// As [`push_data`](Self::push_data), and times beyond 64 bits since 1970.
    pub fn push_late_data(
        &mut self,
        index: u32,
        epoch: i64,
        times: &[i64],
        statuses: &[u32],
        aggregates: &[(Aggregates, &[f64])],
    ) -> Result<&mut Self, EncodeError> {
        if self.kind != TelemetryKind::DataBackFill {
            return Err(EncodeError::new(Kind::WrongKind, "data"));
        }
        let mut entry = Entry::new(index);
        let before = self.times.len();
        entry.epoch = epoch;
        entry.times = take_times(self, epoch, times)?;
        match self.push_values(entry, statuses, aggregates) {
            Ok(_) => Ok(self),
            Err(error) => {
                self.times.truncate(before);
                Err(error)
            }
        }
    }

    /// Adds a parameter of samples: by name for JSON, by index for protobuf.
    ///
    /// # Errors
    ///
    /// Values that are not as many as times; a name that is there; times beyond 64 bits since 1970; other telemetry than samples. Nothing is added then.
    pub fn push_samples(
        &mut self,
        key: ParamKey<'_>,
        epoch: i64,
        times: &[i64],
        values: &[f64],
    ) -> Result<&mut Self, EncodeError> {
        if !self.kind.is_samples() {
            return Err(EncodeError::new(Kind::WrongKind, "data"));
        }
        if values.len() != times.len() {
            return Err(EncodeError::new(Kind::LengthMismatch, "values"));
        }
        let mut entry = Entry::new(next_index(self)?);
        room(self.values.len(), values.len())?;
        // Where its name belongs among the others.
        let place = match key {
            ParamKey::Index(_) => 0,
            ParamKey::Name(name) => match self.find_name(name) {
                Ok(_) => return Err(EncodeError::new(Kind::Duplicate, "data")),
                Err(place) => place,
            },
        };
        entry.epoch = epoch;
        entry.times = take_times(self, epoch, times)?;
        match key {
            ParamKey::Index(index) => entry.index = index,
            ParamKey::Name(name) => {
                self.by_name.insert(place, entry.index);
                let start = self.names.len();
                self.names.push_str(name);
                entry.name = Span::new(start, self.names.len(), 0);
            }
        }
        let start = self.values.len();
        self.values.extend_from_slice(values);
        entry.values = [Span::new(start, self.values.len(), 0), Span::NONE, Span::NONE, Span::NONE];
        self.entries.push(entry);
        Ok(self)
    }

    fn push_values(
        &mut self,
        entry: Entry,
        statuses: &[u32],
        aggregates: &[(Aggregates, &[f64])],
    ) -> Result<&mut Self, EncodeError> {
        let mut entry = entry;
        let due = entry.times.len();
        if statuses.len() != due {
            return Err(EncodeError::new(Kind::LengthMismatch, "status"));
        }
        room(self.statuses.len(), statuses.len())?;
        room(self.values.len(), due.saturating_mul(aggregates.len()))?;
        let mut seen = Aggregates::NONE;
        for (aggregate, values) in aggregates {
            if !Aggregates::EACH.contains(aggregate) {
                return Err(EncodeError::new(Kind::WrongKind, "aggregates"));
            }
            if seen.contains(*aggregate) {
                return Err(EncodeError::new(Kind::Duplicate, "aggregates"));
            }
            if values.len() != due {
                return Err(EncodeError::new(Kind::LengthMismatch, name_of(*aggregate)));
            }
            seen = seen | *aggregate;
        }
        let start = self.statuses.len();
        self.statuses.extend_from_slice(statuses);
        entry.statuses = Span::new(start, self.statuses.len(), 0);
        for (aggregate, values) in aggregates {
            let start = self.values.len();
            self.values.extend_from_slice(values);
            let span = Span::new(start, self.values.len(), 0);
            for (slot, _) in entry.values.iter_mut().zip(Aggregates::EACH).filter(|(_, each)| each == aggregate) {
                *slot = span;
            }
        }
        self.entries.push(entry);
        Ok(self)
    }
}

/// Places in buffers are of 32 bits, and the last stands for none.
fn room(len: usize, more: usize) -> Result<(), EncodeError> {
    match len.checked_add(more).map(u32::try_from) {
        Some(Ok(len)) if len < u32::MAX => Ok(()),
        _ => Err(EncodeError::new(Kind::LimitExceeded, "values")),
    }
}

fn name_of(aggregate: Aggregates) -> &'static str {
    let names = Aggregates::EACH.into_iter().zip(["avg", "min", "max", "first"]);
    names.into_iter().find(|(each, _)| *each == aggregate).map_or("data", |(_, name)| name)
}

fn next_index(columns: &Columns) -> Result<u32, EncodeError> {
    u32::try_from(columns.entries.len()).map_err(|_| EncodeError::new(Kind::LimitExceeded, "max_parameters"))
}

fn take_times(columns: &mut Columns, epoch: i64, times: &[i64]) -> Result<Span, EncodeError> {
    if !are_in_range(epoch, times) {
        return Err(EncodeError::new(Kind::TimeOverflow, "time"));
    }
    room(columns.times.len(), times.len())?;
    let start = columns.times.len();
    columns.times.extend_from_slice(times);
    Ok(Span::new(start, columns.times.len(), 0))
}
