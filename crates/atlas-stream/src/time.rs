/// Nanoseconds since 1970 of a time that counts from an epoch; `None` beyond 64 bits. Messages of one stream may have different epochs: only
/// what this gives is to be compared.
#[must_use]
pub const fn absolute(epoch: i64, time: i64) -> Option<i64> {
    epoch.checked_add(time)
}
