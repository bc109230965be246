//! The work of the drift-proto rows: packages as services send them, read and written by us, prost and buffa; typed data.

use ::buffa::MessageView as _;
use ::prost::Message as _;
use bytes::Bytes;
use drift_proto::{
    DataPayloadRef, Denoising, DriftBytesRef, Info, InfoRef, ItemRef, ItemType, Meta, Package, PackageBuilder,
    PackageRef, TimeSeriesInfo, Timestamp, WaveletBufferInfo,
};

mod buffa;
mod prost;

/// How closely is looked at what was read.
pub trait Look {
    /// Takes a number into a sum.
    fn mix(sum: u64, value: u64) -> u64;
    /// Of a text or of bytes.
    fn data(data: &[u8]) -> u64;
}

/// Each byte, and in its order: whether two read the same.
pub struct Whole;
/// Lengths and ends, cheap enough not to be what is measured.
pub struct Ends;

impl Look for Whole {
    fn mix(sum: u64, value: u64) -> u64 {
        sum.wrapping_mul(31).wrapping_add(value)
    }

    fn data(data: &[u8]) -> u64 {
        data.iter().fold(data.len() as u64, |sum, byte| Self::mix(sum, u64::from(*byte)))
    }
}

impl Look for Ends {
    #[inline]
    fn mix(sum: u64, value: u64) -> u64 {
        sum.wrapping_add(value)
    }

    #[inline]
    fn data(data: &[u8]) -> u64 {
        let [first, .., last] = data else { return data.len() as u64 };
        data.len() as u64 + u64::from(*first) + u64::from(*last)
    }
}

/// A sum of what was read, in the order of the schema.
struct Sum<L>(u64, core::marker::PhantomData<L>);

impl<L: Look> Sum<L> {
    const fn new() -> Self {
        Self(0, core::marker::PhantomData)
    }

    #[inline]
    fn numbers<const N: usize>(&mut self, numbers: [u64; N]) {
        self.0 = numbers.into_iter().fold(self.0, L::mix);
    }

    #[inline]
    fn data(&mut self, data: &[u8]) {
        self.numbers([L::data(data)]);
    }

    /// None is a time as well.
    #[inline]
    fn time(&mut self, time: Option<(i64, i32)>) {
        let (seconds, nanos) = time.unwrap_or((-1, -1));
        self.numbers([seconds as u64, nanos as u64]);
    }

    #[inline]
    fn floats<const N: usize>(&mut self, floats: [f32; N]) {
        self.numbers(floats.map(|float| u64::from(float.to_bits())));
    }
}

/// The message that all payloads here are.
const DATA_PAYLOAD: &str = "drift.proto.common.DataPayload";

fn at(millis: i64) -> Option<Timestamp> {
    Timestamp::from_unix_millis(millis)
}

/// When all here was triggered.
const ID: i64 = 1_700_000_000_123;

/// What a sensor answers: 10 kB that are not looked into.
///
/// # Panics
///
/// Does not.
#[must_use]
pub fn large() -> Vec<u8> {
    let data: Vec<u8> = (0..10_000_u32).map(|n| (n % 251) as u8).collect();
    let mut package = PackageBuilder::new(ID);
    (package.source_timestamp, package.publish_timestamp) = (at(ID + 3), at(ID + 17));
    package.payload(&data);
    package.encode_to_vec().expect("fits")
}

/// A series with all that is told of it, 250 bytes.
#[must_use]
pub fn small() -> PackageBuilder<'static> {
    let mut package = PackageBuilder::new(ID);
    (package.source_timestamp, package.publish_timestamp) = (at(ID + 3), at(ID + 17));
    let info = TimeSeriesInfo {
        start: at(ID - 1000),
        stop: at(ID),
        size: 48_000,
        first: 0.25,
        last: -1.5,
        min: -3.75,
        max: 4.125,
        mean: 0.1,
    };
    let wavelet_buffer = WaveletBufferInfo {
        abi_version: 3,
        wavelet_type: 5,
        decomposition_steps: 9,
        float_compression: 16,
        denoising: Some(Denoising::Threshold { a: 0.5, b: 0.01 }),
    };
    package.meta = Some(Meta::with_wavelet_buffer(Info::TimeSeries(info), wavelet_buffer));
    package.payload(&[3; 30]);
    package.label("room", "7").label("axis", "x").label("unit", "m/s2").label("line", "B");
    package
}

/// Package in package: view, and the payload in it.
///
/// # Panics
///
/// If there is none, as all of these.
#[must_use]
pub fn payload(input: &[u8]) -> &[u8] {
    PackageRef::decode(input).expect("valid").payload().expect("valid").expect("a payload").data()
}

/// The same with a package that has its bytes.
#[must_use]
pub fn payload_of<L: Look>(input: &Bytes) -> u64 {
    let package = Package::decode(input.clone()).expect("valid");
    L::data(package.as_ref().payload().expect("valid").expect("a payload").data())
}

/// The payload is where it came in, and nothing is allocated for it, nor for a share of it.
///
/// # Panics
///
/// If not.
pub fn assert_payload_in_place(input: &Bytes) {
    testkit::alloc::assert_no_alloc(|| {
        assert!(input.as_ptr_range().contains(&payload(input).as_ptr()), "the payload was copied");
        let package = Package::decode(input.clone()).expect("valid");
        let data = package.as_ref().payload().expect("valid").expect("a payload").data();
        assert!(input.as_ptr_range().contains(&data.as_ptr()), "the payload was copied");
        assert_eq!(package.share(data).expect("a part").as_ptr(), data.as_ptr());
    });
}

/// The same, by prost.
#[must_use]
pub fn payload_prost<L: Look>(input: &[u8]) -> u64 {
    let package = prost::DriftPackage::decode(input).expect("valid");
    let payload = package.data.iter().rev().find_map(|any| any.to_msg::<prost::DataPayload>().ok());
    L::data(&payload.expect("a payload").data)
}

/// The same, by buffa.
#[must_use]
pub fn payload_buffa<L: Look>(input: &[u8]) -> u64 {
    let package = buffa::DriftPackageView::decode_view(input).expect("valid");
    let is_payload = |url: &str| url.rsplit_once('/').is_some_and(|(_, name)| name == DATA_PAYLOAD);
    let any = package.data.iter().rev().find(|any| is_payload(any.type_url)).expect("a payload");
    L::data(buffa::DataPayloadView::decode_view(any.value).expect("valid").data)
}

/// All fields of a package.
#[must_use]
pub fn walk<L: Look>(input: &[u8]) -> u64 {
    let time = |time: Option<Timestamp>| time.map(|time| (time.seconds, time.nanos));
    let package = PackageRef::decode(input).expect("valid");
    let mut sum = Sum::<L>::new();
    sum.numbers([package.id() as u64, package.status().0 as u64]);
    sum.time(time(package.source_timestamp()));
    sum.time(time(package.publish_timestamp()));
    for any in package.data() {
        sum.data(any.type_url().as_bytes());
        let payload = any.unpack::<DataPayloadRef<'_>>().expect("valid").expect("a payload");
        payload.shape().for_each(|axis| sum.numbers([axis.into()]));
        sum.data(payload.data());
    }
    let meta = package.meta().expect("meta");
    let Some(InfoRef::TimeSeries(info)) = meta.info() else { panic!("{meta:?}") };
    sum.numbers([meta.data_type().0 as u64, info.size]);
    sum.time(time(info.start));
    sum.time(time(info.stop));
    sum.floats([info.first, info.last, info.min, info.max, info.mean]);
    let info = meta.wavelet_buffer().expect("a wavelet buffer");
    let numbers = [info.abi_version, info.wavelet_type, info.decomposition_steps, info.float_compression];
    sum.numbers(numbers.map(u64::from));
    let Some(Denoising::Threshold { a, b }) = info.denoising else { panic!("{info:?}") };
    sum.floats([a, b]);
    for label in package.labels() {
        sum.data(label.key.as_bytes());
        sum.data(label.value.as_bytes());
    }
    sum.0
}

/// The same, by prost.
#[must_use]
pub fn walk_prost<L: Look>(input: &[u8]) -> u64 {
    let time = |time: &Option<prost_types::Timestamp>| time.as_ref().map(|time| (time.seconds, time.nanos));
    let package = prost::DriftPackage::decode(input).expect("valid");
    let mut sum = Sum::<L>::new();
    sum.numbers([package.id as u64, package.status as u64]);
    sum.time(time(&package.source_timestamp));
    sum.time(time(&package.publish_timestamp));
    for any in &package.data {
        sum.data(any.type_url.as_bytes());
        let payload = any.to_msg::<prost::DataPayload>().expect("a payload");
        payload.shape.iter().for_each(|axis| sum.numbers([u64::from(*axis)]));
        sum.data(&payload.data);
    }
    let meta = package.meta.as_ref().expect("meta");
    let Some(prost::Info::TimeSeries(info)) = &meta.info else { panic!("{meta:?}") };
    sum.numbers([meta.r#type as u64, info.size]);
    sum.time(time(&info.start_timestamp));
    sum.time(time(&info.stop_timestamp));
    sum.floats([info.first, info.last, info.min, info.max, info.mean]);
    let info = meta.wavelet_buffer_info.as_ref().expect("a wavelet buffer");
    let numbers = [info.abi_version, info.wavelet_type, info.decomposition_steps, info.float_compression];
    sum.numbers(numbers.map(u64::from));
    let Some(prost::Denoising::Threshold(denoising)) = &info.denoising else { panic!("{info:?}") };
    sum.floats([denoising.a, denoising.b]);
    for label in &package.labels {
        sum.data(label.key.as_bytes());
        sum.data(label.value.as_bytes());
    }
    sum.0
}

/// The same, by buffa, which decodes all messages in a view at once, but for what an `Any` holds.
#[must_use]
pub fn walk_buffa<L: Look>(input: &[u8]) -> u64 {
    let package = buffa::DriftPackageView::decode_view(input).expect("valid");
    let mut sum = Sum::<L>::new();
    sum.numbers([package.id as u64, package.status.to_i32() as u64]);
    sum.time(package.source_timestamp.as_option().map(|time| (time.seconds, time.nanos)));
    sum.time(package.publish_timestamp.as_option().map(|time| (time.seconds, time.nanos)));
    for any in &package.data {
        sum.data(any.type_url.as_bytes());
        assert!(any.type_url.rsplit_once('/').is_some_and(|(_, name)| name == DATA_PAYLOAD));
        let payload = buffa::DataPayloadView::decode_view(any.value).expect("valid");
        payload.shape.iter().for_each(|axis| sum.numbers([u64::from(*axis)]));
        sum.data(payload.data);
    }
    let meta = package.meta.as_option().expect("meta");
    let Some(buffa::Info::TimeSeriesInfo(info)) = &meta.info else { panic!("{meta:?}") };
    sum.numbers([meta.r#type.to_i32() as u64, info.size]);
    sum.time(info.start_timestamp.as_option().map(|time| (time.seconds, time.nanos)));
    sum.time(info.stop_timestamp.as_option().map(|time| (time.seconds, time.nanos)));
    sum.floats([info.first, info.last, info.min, info.max, info.mean]);
    let info = meta.wavelet_buffer_info.as_option().expect("a wavelet buffer");
    let numbers = [info.abi_version, info.wavelet_type, info.decomposition_steps, info.float_compression];
    sum.numbers(numbers.map(u64::from));
    let Some(buffa::Denoising::ThresholdDenoising(denoising)) = &info.denoising else { panic!("{info:?}") };
    sum.floats([denoising.a, denoising.b]);
    for label in &package.labels {
        sum.data(label.key.as_bytes());
        sum.data(label.value.as_bytes());
    }
    sum.0
}

/// Writes a package into a buffer that is used again.
pub fn encode(package: &PackageBuilder<'_>, out: &mut Vec<u8>) {
    out.clear();
    package.encode(out).expect("fits");
}

/// The same, by prost; what the package is stands in these bytes.
pub fn encode_prost(input: &[u8]) -> impl Fn(&mut Vec<u8>) + use<> {
    let package = prost::DriftPackage::decode(input).expect("valid");
    move |out| {
        out.clear();
        package.encode(out).expect("fits");
    }
}

/// Typed data: numbers, texts and truths in turns.
#[must_use]
pub fn typed(items: usize) -> Vec<u8> {
    let mut out = vec![1, 0];
    // The same again after each thousand.
    for n in 0..items as u64 {
        let n = n % 1000;
        let mut item = |kind: ItemType, len: u32, data: &[u8]| {
            out.extend([1, kind as u8, 1, 0, 0, 0, 0, 0, 0, 0]);
            out.extend(len.to_le_bytes());
            out.extend(data);
        };
        match n % 4 {
            0 => item(ItemType::I64, 1, &(n * 1_000_003).to_le_bytes()),
            1 => item(ItemType::F64, 1, &(n as f64 / 7.0).to_le_bytes()),
            2 => {
                let text = format!("item {n}");
                item(ItemType::String, 1, &[&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat());
            }
            _ => item(ItemType::Bool, 3, &[1, 0, 1]),
        }
    }
    out
}

/// All items of typed data.
#[must_use]
pub fn walk_typed<L: Look>(input: &[u8]) -> u64 {
    let items = DriftBytesRef::decode(input).expect("valid").items();
    items.fold(0, |sum, item| L::mix(sum, of_item::<L>(item)))
}

#[inline]
fn of_item<L: Look>(item: ItemRef<'_>) -> u64 {
    match item.item_type() {
        ItemType::I64 => item.value::<i64>().expect("one") as u64,
        ItemType::F64 => item.value::<f64>().expect("one").to_bits(),
        ItemType::String => L::data(item.text().expect("one").as_bytes()),
        ItemType::Bool => item.values::<bool>().expect("truths").fold(0, |sum, value| L::mix(sum, value.into())),
        other => panic!("{other:?}"),
    }
}

/// Reads all fields, or pops all items; the checksum is that of [`Whole`].
pub const PYTHON: &str = "
import struct
from drift_bytes import InputBuffer
from drift_protocol.common import DriftPackage, DataPayload
MASK = 2**64 - 1
def bits(value):
    return struct.unpack('<I', struct.pack('<f', value))[0]
def fold(start, values):
    for value in values:
        start = (31 * start + value) & MASK
    return start
def of(value):
    if isinstance(value, list):
        return fold(0, map(of, value))
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return fold(len(value), value)
    if isinstance(value, float):
        return struct.unpack('<Q', struct.pack('<d', value))[0]
    return int(value) & MASK
def moment(of, name):
    if not of.HasField(name):
        return (-1, -1)
    of = getattr(of, name)
    return (of.seconds, of.nanos)
def read_package(data):
    package = DriftPackage()
    package.ParseFromString(data)
    values = [package.id, package.status, *moment(package, 'source_timestamp'), *moment(package, 'publish_timestamp')]
    for any in package.data:
        payload = DataPayload()
        assert any.Unpack(payload)
        values += [any.type_url, *payload.shape, payload.data]
    meta = package.meta
    assert meta.WhichOneof('info') == 'time_series_info'
    info = meta.time_series_info
    values += [meta.type, info.size, *moment(info, 'start_timestamp'), *moment(info, 'stop_timestamp')]
    floats = [info.first, info.last, info.min, info.max, info.mean]
    info = meta.wavelet_buffer_info
    numbers = [info.abi_version, info.wavelet_type, info.decomposition_steps, info.float_compression]
    assert info.WhichOneof('denoising') == 'threshold_denoising'
    denoising = [info.threshold_denoising.a, info.threshold_denoising.b]
    labels = [text for label in package.labels for text in (label.key, label.value)]
    return values, floats, numbers, denoising, labels
def read_typed(data):
    buffer, values = InputBuffer(data), []
    while not buffer.empty():
        values.append(buffer.pop().value)
    return values
def prepare(name, data):
    if name == 'typed':
        return lambda: read_typed(data), fold(0, map(of, read_typed(data)))
    values, floats, numbers, denoising, labels = read_package(data)
    total = fold(0, [*map(of, values), *map(bits, floats), *numbers, *map(bits, denoising), *map(of, labels)])
    return lambda: read_package(data), total
";
