use std::collections::BTreeMap;

use karabo_bridge::msgpack_numpy_codec::{self as msgpack, Reader, Token, ValueRef};
use karabo_bridge::{
    DecodeErrorKind as Kind, Item, Limits, MessageRef, PartError, Property, SourceRef, TrainIndex, TrainRef,
};

use super::{message, oracle};

/// Where and what: part, offset, kind, source and path.
type Fault = (usize, u64, String, Option<String>, Option<String>);

/// By part and byte of the path.
type Places<'a> = BTreeMap<(usize, u64), Property<'a>>;

/// What an index finds, by maps that are filled in order.
#[derive(Default)]
struct Model<'a> {
    /// Nothing of those whose properties are lost, and whose arrays are not.
    sources: BTreeMap<&'a str, Option<SourceRef<'a>>>,
    /// By source and path.
    properties: BTreeMap<(&'a str, &'a str), Places<'a>>,
    /// All that were counted, also those that are lost later.
    count: usize,
    faults: Vec<Fault>,
}

impl<'a> Model<'a> {
    fn of(train: TrainRef<'a, Vec<u8>>, limits: &Limits) -> Self {
        let mut model = Self::default();
        let parts = train.parts();
        let max = limits.max_properties as usize;
        if let [part] = parts {
            let Ok(ValueRef::Map(map)) = ValueRef::decode_with(part, &VALUES) else { panic!("no map") };
            for (item, (_, value)) in train.items().zip(map.iter()) {
                let len = value.as_map().map_or(0, |map| map.len());
                match item {
                    Ok(Item::Source(source)) => model.source(source, part, part, (0, len), max),
                    Ok(item) => panic!("{item:?} in version 1.0"),
                    Err(error) => model.fault(error),
                }
            }
        }
        let mut arrays = Vec::new();
        for (index, pair) in parts.chunks(2).enumerate().filter(|_| parts.len() > 1) {
            let at = index * 2;
            let [header, data] = pair else {
                let names = train.items().last().and_then(Result::err).expect("a part without a partner");
                model.lost(at, 0, Kind::OddParts, (names.source_name, names.path));
                continue;
            };
            match Item::decode_with(at as u32, header, data, limits) {
                Ok(Item::Source(source)) => {
                    let Ok(Token::Map(len)) = Reader::new(data).token() else { panic!("no map") };
                    model.source(source, header, data, (at + 1, len as usize), max);
                }
                Ok(Item::Array(array)) if model.count < max => {
                    model.count += 1;
                    arrays.push((array, at, header));
                }
                Ok(Item::Array(array)) => {
                    let names = (Some(array.source()), Some(array.path()));
                    model.lost(at, offset(array.path(), header), Kind::LimitExceeded, names);
                }
                Ok(_) => {}
                Err(error) => {
                    model.fault(error);
                    if let (Some(name), Some(_)) = (error.source_name, oracle::introduced(header))
                        && (error.error.part() != at || error.error.what() == "metadata")
                    {
                        model.begin(name, None, at, header);
                    }
                }
            }
        }
        for (array, at, header) in arrays {
            if model.sources.contains_key(array.source()) {
                let of_path = model.properties.entry((array.source(), array.path())).or_default();
                of_path.insert((at, offset(array.path(), header)), Property::Array(array));
            } else {
                let names = (Some(array.source()), Some(array.path()));
                model.lost(at, offset(array.source(), header), Kind::UnknownSource, names);
            }
        }
        // The first counts.
        for ((source, path), places) in model.properties.clone() {
            for (part, offset) in places.into_keys().skip(1) {
                model.lost(part, offset, Kind::DuplicatePath, (Some(source), Some(path)));
            }
        }
        model
    }

    /// With the part of its properties, and the entries of their map.
    fn source(&mut self, source: SourceRef<'a>, header: &[u8], data: &[u8], (part, len): (usize, usize), max: usize) {
        let (name, at) = (source.name(), offset(source.name(), header));
        let properties: Vec<_> = source.properties().collect();
        // All that are in the map are counted, also those that are metadata.
        if self.count + len > max {
            self.lost(source.part(), at, Kind::LimitExceeded, (Some(name), None));
            self.begin(name, None, source.part(), header);
            return;
        }
        self.count += properties.len();
        if !self.begin(name, Some(source), source.part(), header) {
            return;
        }
        for (path, value) in properties {
            let places = self.properties.entry((name, path)).or_default();
            places.insert((part, offset(path, data)), Property::Value(value));
        }
    }

    /// Whether it is the first of its name that can be read. What else is wrong with others was told.
    fn begin(&mut self, name: &'a str, source: Option<SourceRef<'a>>, part: usize, header: &[u8]) -> bool {
        match self.sources.entry(name).or_default() {
            kept @ None => *kept = source,
            Some(_) if source.is_some() => {
                self.lost(part, offset(name, header), Kind::DuplicateSource, (Some(name), None));
                return false;
            }
            Some(_) => {}
        }
        source.is_some()
    }

    fn lost(&mut self, part: usize, offset: u64, kind: Kind, (source, path): (Option<&str>, Option<&str>)) {
        let [source, path] = [source, path].map(|name| name.map(str::to_owned));
        self.faults.push((part, offset, kind.to_string(), source, path));
    }

    fn fault(&mut self, PartError { source_name, path, error }: PartError<'_>) {
        self.lost(error.part(), error.offset(), error.kind(), (source_name, path));
    }

    fn get(&self, source: &str, path: &str) -> Option<Property<'a>> {
        self.properties.get(&(source, path))?.values().next().copied()
    }
}

const VALUES: msgpack::Limits = msgpack::Limits::DEFAULT.with_max_depth(255);

fn offset(name: &str, part: &[u8]) -> u64 {
    (name.as_ptr() as usize - part.as_ptr() as usize) as u64
}

/// An index that was used for other trains before finds what a naive one does.
pub fn index(data: &[u8]) {
    let Some((limits, parts)) = message(data) else { return };
    let mut index = TrainIndex::new();
    for len in [parts.len() / 2, parts.len()] {
        let Ok(MessageRef::Train(train)) = MessageRef::decode_with(&parts[..len], &limits) else { continue };
        let indexed = index.build(train);
        let mut model = Model::of(train, &limits);
        let mut errors: Vec<Fault> = indexed
            .errors()
            .map(|error| {
                let [source, path] = [error.source_name, error.path].map(|name| name.map(str::to_owned));
                (error.error.part(), error.error.offset(), error.error.kind().to_string(), source, path)
            })
            .collect();
        assert_eq!(indexed.errors().len(), errors.len());
        assert!(errors.is_sorted_by_key(|error| (error.0, error.1)));
        errors.sort();
        model.faults.sort();
        assert_eq!(errors, model.faults);

        assert!(indexed.sources().eq(model.sources.values().copied().flatten()));
        assert!(indexed.names().eq(model.sources.keys().copied()));
        for name in model.sources.keys().copied().chain(["nowhere", "", "S"]) {
            assert_eq!(indexed.source(name), model.sources.get(name).copied().flatten());
            let of_it = || {
                let paths = model.properties.keys().filter(|(source, _)| *source == name).map(|(_, path)| *path);
                paths.filter_map(|path| Some((path, model.get(name, path)?)))
            };
            // NaN is not itself.
            let told = |property: (&str, Property<'_>)| format!("{property:?}");
            assert!(indexed.properties(name).map(told).eq(of_it().map(told)));
            let arrays = of_it().filter_map(|(_, property)| match property {
                Property::Array(array) => Some(array),
                _ => None,
            });
            assert!(indexed.arrays(name).eq(arrays));
            for path in of_it().map(|(path, _)| path).chain(["nowhere", "", "a", "metadata"]) {
                assert_eq!(format!("{:?}", indexed.get(name, path)), format!("{:?}", model.get(name, path)));
            }
        }
    }
}
