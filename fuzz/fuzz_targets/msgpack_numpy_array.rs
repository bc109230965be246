#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::msgpack_numpy::array(data));
