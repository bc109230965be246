//! What a train may have in it: the shapes, names and types of the Python simulation, and a camera and a gas monitor beside.

use core::str::FromStr;

use bytes::Bytes;
use karabo_bridge::msgpack_numpy_codec::{Array, DType, Element, EncodeError as Written, Value, Writer};

use crate::random::Random;
use crate::{Field, MadeSource, MakeError};

/// A source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Source {
    /// One module of AGIPD, raw: 17 MB.
    AgipdModule,
    /// AGIPD, corrected: 277 MB.
    Agipd,
    /// LPD, corrected: 1.3 GB.
    Lpd,
    /// A camera with flat keys: 2 MB.
    Camera,
    /// A gas monitor: a few numbers.
    Xgm,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::AgipdModule, Self::Agipd, Self::Lpd, Self::Camera, Self::Xgm];

    /// As options name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AgipdModule => "agipd-module",
            Self::Agipd => "agipd",
            Self::Lpd => "lpd",
            Self::Camera => "camera",
            Self::Xgm => "xgm",
        }
    }

    /// Its name in trains.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AgipdModule => "SPB_DET_AGIPD1M-1/DET/0CH0:xtdf",
            Self::Agipd => "SPB_DET_AGIPD1M-1/CAL/APPEND_CORRECTED",
            Self::Lpd => "FXE_DET_LPD1M-1/CAL/APPEND_CORRECTED",
            Self::Camera => "MID_EXP_SAM/CAM/SIDE:output",
            Self::Xgm => "SA1_XTD2_XGM/DOOCS/MAIN:output",
        }
    }

    pub(crate) fn make(self, seed: u64, tid: u64, time: Option<f64>) -> Result<MadeSource, MakeError> {
        let mut random = Random::new(seed, tid, self as u64);
        let properties = match self {
            Self::AgipdModule => MODULE.make(&mut random, tid)?,
            Self::Agipd => AGIPD.make(&mut random, tid)?,
            Self::Lpd => LPD.make(&mut random, tid)?,
            Self::Camera => camera(&mut random)?,
            Self::Xgm => xgm(&mut random)?,
        };
        Ok(MadeSource { name: self.name(), metadata: metadata(self.name(), tid, time)?, properties })
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.map(Self::as_str).join(", ");
        let found = Self::ALL.into_iter().find(|source| source.as_str() == name);
        found.ok_or_else(|| format!("no source {name:?}: {known}"))
    }
}

/// When the first train came: 2023-08-23, 00:00:00 UTC.
const EPOCH: u64 = 1_692_748_800;

/// The keys of the Python simulation, in its order.
fn metadata(source: &str, tid: u64, time: Option<f64>) -> Result<Vec<(&'static str, Value)>, MakeError> {
    let mut metadata = vec![("source", text(source)?)];
    if let Some(time) = time {
        let timestamp = EPOCH as f64 + time;
        // As Python splits the text of the float.
        let digits = timestamp.to_string();
        let (sec, frac) = digits.split_once('.').unwrap_or((&digits, "0"));
        metadata.push(("timestamp", float(timestamp)?));
        metadata.push(("timestamp.sec", text(sec)?));
        metadata.push(("timestamp.frac", text(&format!("{frac:0<18}"))?));
    }
    metadata.push(("timestamp.tid", uint(tid)?));
    Ok(metadata)
}

/// A detector of pixels that takes many images of one train.
struct Detector {
    modules: u64,
    fast: u64,
    slow: u64,
    pulses: u64,
    raw: bool,
    /// Where its sources and devices are.
    domain: &'static str,
}

const MODULE: Detector =
    Detector { modules: 1, fast: 128, slow: 512, pulses: 64, raw: true, domain: "SPB_DET_AGIPD1M-1" };
const AGIPD: Detector = Detector { modules: 16, raw: false, ..MODULE };
const LPD: Detector =
    Detector { modules: 16, fast: 256, slow: 256, pulses: 300, raw: false, domain: "FXE_DET_LPD1M-1" };

impl Detector {
    fn make(&self, random: &mut Random, tid: u64) -> Result<Vec<(&'static str, Field)>, MakeError> {
        let module = vec![self.fast, self.slow, self.pulses];
        let shape = if self.modules == 1 { module.clone() } else { [&[self.modules][..], &module].concat() };
        let data = if self.raw {
            array::<u16>(shape, |len| random.fill(len, |random| count(random, 1500, 100).to_le_bytes()))?
        } else {
            array::<f32>(shape, |len| random.fill(len, |random| float32(1500.0 + 100.0 * random.unit()).to_le_bytes()))?
        };
        let mut properties = vec![("image.data", data)];
        properties.push((
            "image.cellId",
            per_pulse::<u16, 2>(self.pulses, |pulse| u16::try_from(pulse).unwrap_or(u16::MAX).to_le_bytes())?,
        ));
        if !self.raw {
            let steps = ["THRESHOLDING", "OFFSET_CORR", "RELGAIN_CORR"];
            let passport = steps.map(|step| format!("{}/CAL/{step}_Q1M1", self.domain));
            properties.push(("image.passport", Field::Value(texts(&passport)?)));
        }
        if self.modules > 1 {
            let sources: Vec<_> = (0..16).map(|module| format!("{}/CAL/{module}CH0:xtdf", self.domain)).collect();
            properties.push(("sources", Field::Value(texts(&sources)?)));
            properties.push(("modulesPresent", Field::Value(list(16, |out| out.bool(true))?)));
        }
        properties.push(("image.gain", array::<u16>(module, |len| Bytes::from(vec![0; len]))?));
        properties.push(("image.pulseId", per_pulse::<u64, 8>(self.pulses, u64::to_le_bytes)?));
        properties.push(("image.trainId", per_pulse::<u64, 8>(self.pulses, |_| tid.to_le_bytes())?));
        Ok(properties)
    }
}

/// As a camera behind the live bridge of 2018 told of itself.
fn camera(random: &mut Random) -> Result<Vec<(&'static str, Field)>, MakeError> {
    const SIDE: u64 = 1024;
    let pixels = array::<u16>(vec![SIDE, SIDE], |len| random.fill(len, |random| count(random, 90, 20).to_le_bytes()))?;
    let integers = |numbers: &'static [i64]| {
        let mut numbers = numbers.iter();
        list(numbers.len(), |out| out.int(numbers.next().copied().unwrap_or_default())).map(Field::Value)
    };
    let value = |value: Result<Value, MakeError>| value.map(Field::Value);
    Ok(vec![
        ("data.image.data", pixels),
        ("data.image.bitsPerPixel", value(uint(12))?),
        ("data.image.dimensions", integers(&[1024, 1024])?),
        ("data.image.dimensionTypes", integers(&[1, 1])?),
        ("data.image.dimensionScales", value(text(""))?),
        ("data.image.encoding", value(text("GRAY"))?),
        ("data.image.geometry.alignment.offsets", integers(&[0, 0, 0])?),
        ("data.image.geometry.tileId", value(uint(0))?),
        ("data.image.header", value(made(Writer::nil))?),
        ("data.image.rOIOffsets", integers(&[0, 0])?),
        ("data.image.binning", integers(&[1, 1])?),
        ("exposureTime.value", value(float(0.25))?),
    ])
}

fn xgm(random: &mut Random) -> Result<Vec<(&'static str, Field)>, MakeError> {
    let energy = 800.0 + 400.0 * random.unit();
    let position = random.unit() - 0.5;
    let pulses = array::<f32>(vec![1000], |len| random.fill(len, |random| float32(2.0 * random.unit()).to_le_bytes()))?;
    let value = |value: Result<Value, MakeError>| value.map(Field::Value);
    Ok(vec![
        ("data.intensityTD", pulses),
        ("pulseEnergy.photonFlux.value", value(float(energy))?),
        ("beamPosition.ixPos.value", value(float(position))?),
        ("pulseEnergy.numberOfBunches.value", value(uint(64))?),
        ("controlData.slowTrain.valid.value", value(made(|out| out.bool(true)))?),
        ("state.value", value(text("ON"))?),
        ("counterOffset.value", value(made(|out| out.int(-7)))?),
    ])
}

/// An array whose bytes are made once it is known how many there are.
fn array<T: Element>(shape: Vec<u64>, bytes: impl FnOnce(usize) -> Bytes) -> Result<Field, MakeError> {
    let items = shape.iter().try_fold(1, |items: u64, axis| items.checked_mul(*axis));
    let len = items.and_then(|items| usize::try_from(items).ok()?.checked_mul(size_of::<T>()));
    Ok(Field::Array(Array::new(DType::of::<T>(), shape, bytes(len.unwrap_or_default()))?))
}

/// An array of a number for each pulse.
fn per_pulse<T: Element, const N: usize>(pulses: u64, number: impl FnMut(u64) -> [u8; N]) -> Result<Field, MakeError> {
    let bytes: Vec<u8> = (0..pulses).flat_map(number).collect();
    array::<T>(vec![pulses], |_| bytes.into())
}

fn made(write: impl FnOnce(&mut Writer<'static>) -> Result<(), Written>) -> Result<Value, MakeError> {
    let mut out = Writer::new();
    write(&mut out)?;
    Ok(Value::decode_bytes(&out.finish()?.to_vec().into())?)
}

fn list(len: usize, mut write: impl FnMut(&mut Writer<'static>) -> Result<(), Written>) -> Result<Value, MakeError> {
    let count = u32::try_from(len)?;
    made(|out| {
        out.list(count)?;
        (0..len).try_for_each(|_| write(out))
    })
}

fn texts(texts: &[String]) -> Result<Value, MakeError> {
    let mut rest = texts.iter();
    list(texts.len(), |out| rest.next().map_or(Ok(()), |text| out.str(text)))
}

fn text(text: &str) -> Result<Value, MakeError> {
    made(|out| out.str(text))
}

fn uint(number: u64) -> Result<Value, MakeError> {
    made(|out| out.uint(number))
}

fn float(number: f64) -> Result<Value, MakeError> {
    made(|out| out.f64(number))
}

/// Counts of a detector: `span` of them, from `dark` on.
fn count(random: &mut Random, dark: u16, span: u16) -> u16 {
    let above = random.next().checked_rem(span.into()).unwrap_or_default();
    dark.saturating_add(u16::try_from(above).unwrap_or_default())
}

#[expect(clippy::cast_possible_truncation, reason = "rounded, which is what is wanted")]
const fn float32(number: f64) -> f32 {
    number as f32
}
