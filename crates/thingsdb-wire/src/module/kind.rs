use crate::kinds::open_numbers;

open_numbers! {
    /// TYPE of a package between node and module.
    Kind: u8 {
        /// To the module: its configuration.
        CONF = 64,
        /// From the module.
        CONF_OK = 65,
        /// From the module.
        CONF_ERR = 66,
        /// To the module: a map with `module` and all options.
        REQ = 80,
        /// From the module: any value.
        RES = 81,
        /// From the module: `[code, text]`.
        ERR = 82,
    }
}
