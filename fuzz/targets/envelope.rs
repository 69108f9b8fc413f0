#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| coze_fuzz_checks::envelope(bytes));
