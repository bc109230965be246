//! What we read of a package, in the form in which Python describes it.

use drift_proto::{
    AnyRef, DataPayloadRef, DecodeError, Denoising, InfoRef, IntervalTrigger, MetaRef, NamesRef, PackageRef, Timestamp,
    Trigger, WaveletBufferInfo,
};
use serde_json::{Value as Json, json};
use testkit::vectors::to_hex;

/// Python keeps one NaN, and no minus zero.
fn bits(value: f32) -> Json {
    if value.is_nan() { json!("nan") } else { json!(format!("{:08x}", (value + 0.0).to_bits())) }
}

fn stamp(timestamp: Option<Timestamp>) -> Json {
    timestamp.map_or(Json::Null, |timestamp| json!([timestamp.seconds.to_string(), timestamp.nanos]))
}

fn names(names: NamesRef<'_>) -> Json {
    names.iter().map(|item| json!([item.name, item.status.0])).collect()
}

fn wavelet(info: WaveletBufferInfo) -> Json {
    let denoising = info.denoising.map(|denoising| match denoising {
        Denoising::None => json!({"no_denoising": []}),
        Denoising::Threshold { a, b } => json!({"threshold_denoising": [bits(a), bits(b)]}),
        Denoising::Partial(partial) => json!({"partial_denoising": [bits(partial)]}),
        _ => panic!("no such denoising"),
    });
    let numbers = [info.abi_version, info.wavelet_type, info.decomposition_steps, info.float_compression];
    json!({"numbers": numbers, "denoising": denoising})
}

fn info(info: InfoRef<'_>) -> Json {
    match info {
        InfoRef::TimeSeries(info) => json!({"time_series_info": {
            "start": stamp(info.start), "stop": stamp(info.stop), "size": info.size.to_string(),
            "floats": ([info.first, info.last, info.min, info.max, info.mean].map(bits)),
        }}),
        InfoRef::Image(info) => json!({"image_info": [
            info.image_type.0, info.width.to_string(), info.height.to_string(), info.channel_layout,
        ]}),
        InfoRef::Scalars(items) => json!({"scalar_info": names(items)}),
        InfoRef::Text(mime_type) => json!({"text_info": mime_type}),
        InfoRef::Aligned(packages) => {
            let packages = packages.iter().map(|package| json!([package.topic, package.meta.map(meta)]));
            json!({"alignment_info": packages.collect::<Json>()})
        }
        InfoRef::Typed(items) => json!({"typed_data_info": names(items)}),
        _ => panic!("no such info"),
    }
}

fn meta(meta: MetaRef<'_>) -> Json {
    json!({"type": meta.data_type().0, "info": meta.info().map(info), "wavelet": meta.wavelet_buffer().map(wavelet)})
}

/// What is in a message of a known type; Python says `error` for one that it cannot read.
fn unpacked(any: AnyRef<'_>) -> Json {
    let told = || -> Result<Json, DecodeError> {
        if let Some(payload) = any.unpack::<DataPayloadRef<'_>>()? {
            let shape: Vec<u32> = payload.shape().collect();
            return Ok(json!({"payload": {"shape": shape, "data": to_hex(payload.data())}}));
        }
        if let Some(trigger) = any.unpack::<Trigger>()? {
            return Ok(json!({"trigger": stamp(trigger.timestamp)}));
        }
        let interval = any.unpack::<IntervalTrigger>()?;
        Ok(interval.map_or(Json::Null, |trigger| json!({"interval": [stamp(trigger.start), stamp(trigger.stop)]})))
    };
    told().unwrap_or(json!("error"))
}

pub fn package(package: PackageRef<'_>) -> Json {
    let part = |any: AnyRef<'_>| json!({"url": any.type_url(), "value": to_hex(any.value()), "as": unpacked(any)});
    json!({
        "id": package.id().to_string(),
        "status": package.status().0,
        "source": stamp(package.source_timestamp()),
        "publish": stamp(package.publish_timestamp()),
        "data": package.data().map(part).collect::<Json>(),
        "meta": package.meta().map(meta),
        "labels": package.labels().map(|label| json!([label.key, label.value])).collect::<Json>(),
    })
}
