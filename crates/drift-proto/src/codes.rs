use core::fmt;

/// Numbers of the wire that may grow: those without a name keep their number.
macro_rules! open_number {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $constant:ident = $number:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(clippy::exhaustive_structs, reason = "a number")]
        pub struct $name(pub i32);

        impl $name {
            $($(#[$each])* pub const $constant: Self = Self($number);)*

            /// Its name, if it has one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => self.0.fmt(f),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }
    };
}

open_number! {
    /// How a package, or an item of typed data, is to be taken.
    StatusCode {
        /// No error.
        GOOD = 0, "GOOD";
        /// Not initialised yet, or switched off.
        UNCERTAIN = 256, "UNCERTAIN";
        /// No error, but no answer now.
        UNCERTAIN_SERVICE_BUSY = 257, "UNCERTAIN_SERVICE_BUSY";
        /// Bad in general.
        BAD = 512, "BAD";
        /// The request has a wrong format.
        BAD_MALFORMED_REQUEST = 513, "BAD_MALFORMED_REQUEST";
        /// The response has a wrong format.
        BAD_MALFORMED_RESPONSE = 514, "BAD_MALFORMED_RESPONSE";
        /// Number or values of arguments are wrong.
        BAD_INVALID_ARGUMENT = 515, "BAD_INVALID_ARGUMENT";
        /// The service failed.
        BAD_INTERNAL_ERROR = 516, "BAD_INTERNAL_ERROR";
        /// The source was not reached.
        BAD_COMMUNICATION_ERROR = 517, "BAD_COMMUNICATION_ERROR";
        /// The source cannot deliver.
        BAD_SOURCE_STATE = 518, "BAD_SOURCE_STATE";
        /// The source delivers, and its data is bad.
        BAD_SOURCE_DATA_QUALITY = 519, "BAD_SOURCE_DATA_QUALITY";
        /// The source did not deliver in time.
        BAD_DATA_READ_TIMEOUT = 520, "BAD_DATA_READ_TIMEOUT";
    }
}

/// What a [`StatusCode`] says of data: the number without its lowest byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "any other is unknown")]
pub enum StatusClass {
    /// 0: it is right.
    Good,
    /// 1: nobody knows. The Python client hands out no data with it.
    Uncertain,
    /// 2: it is wrong.
    Bad,
    /// Anything else.
    Unknown,
}

impl StatusCode {
    /// Whether it is good, uncertain or bad. Data is there whatever it says.
    #[must_use]
    pub const fn class(self) -> StatusClass {
        match self.0 >> 8 {
            0 => StatusClass::Good,
            1 => StatusClass::Uncertain,
            2 => StatusClass::Bad,
            _ => StatusClass::Unknown,
        }
    }

    /// Whether it is exactly [`GOOD`](Self::GOOD), which the Python client asks for.
    #[must_use]
    pub const fn is_good(self) -> bool {
        self.0 == Self::GOOD.0
    }
}

open_number! {
    /// What the data of a package is, as its meta says.
    DataType {
        /// A series of one signal, also where nothing is said: the number 0 is never on the wire.
        TIME_SERIES = 0, "TIME_SERIES";
        /// A picture.
        IMAGE = 1, "IMAGE";
        /// Some numbers with names; deprecated since 0.6.
        SCALAR_VALUES = 2, "SCALAR_VALUES";
        /// Text.
        TEXT = 3, "TEXT";
        /// Packages of several topics in one.
        ALIGNED_PACKAGE = 4, "ALIGNED_PACKAGE";
        /// Values of any type with names; since 0.6.
        TYPED_DATA = 5, "TYPED_DATA";
    }
}

open_number! {
    /// How a picture is stored.
    ImageType {
        /// As a wavelet buffer, with a signal for each channel.
        WB = 0, "WB";
        /// As a JPEG file.
        JPEG = 1, "JPEG";
    }
}
