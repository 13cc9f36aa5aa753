//! Countries and territories with a code in ISO 3166-1.
//!
//! The table is part of this source and not taken from a crate: the values of the GraphQL enum and their descriptions
//! must be in the source in any case, and the crates with names also contain subdivisions and former countries, with
//! official names rather than the ones that are used on envelopes.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};

macro_rules! countries {
    ($($code:ident = $name:tt,)*) => {
        /// A country or territory, by its officially assigned code of ISO 3166-1 alpha-2: `DE`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Enum)]
        #[graphql(rename_items = "UPPERCASE")]
        pub enum CountryCode {
            $(
                #[doc = $name]
                $code,
            )*
        }

        impl CountryCode {
            /// All codes, in alphabetical order.
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// The code: two upper-case letters.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$code => stringify!($code),)*
                }
            }

            /// The English name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

countries! {
    AD = "Andorra",
    AE = "United Arab Emirates",
    AF = "Afghanistan",
    AG = "Antigua and Barbuda",
    AI = "Anguilla",
    AL = "Albania",
    AM = "Armenia",
    AO = "Angola",
    AQ = "Antarctica",
    AR = "Argentina",
    AS = "American Samoa",
    AT = "Austria",
    AU = "Australia",
    AW = "Aruba",
    AX = "Åland Islands",
    AZ = "Azerbaijan",
    BA = "Bosnia and Herzegovina",
    BB = "Barbados",
    BD = "Bangladesh",
    BE = "Belgium",
    BF = "Burkina Faso",
    BG = "Bulgaria",
    BH = "Bahrain",
    BI = "Burundi",
    BJ = "Benin",
    BL = "Saint Barthélemy",
    BM = "Bermuda",
    BN = "Brunei",
    BO = "Bolivia",
    BQ = "Bonaire, Sint Eustatius and Saba",
    BR = "Brazil",
    BS = "Bahamas",
    BT = "Bhutan",
    BV = "Bouvet Island",
    BW = "Botswana",
    BY = "Belarus",
    BZ = "Belize",
    CA = "Canada",
    CC = "Cocos (Keeling) Islands",
    CD = "Democratic Republic of the Congo",
    CF = "Central African Republic",
    CG = "Congo",
    CH = "Switzerland",
    CI = "Côte d'Ivoire",
    CK = "Cook Islands",
    CL = "Chile",
    CM = "Cameroon",
    CN = "China",
    CO = "Colombia",
    CR = "Costa Rica",
    CU = "Cuba",
    CV = "Cabo Verde",
    CW = "Curaçao",
    CX = "Christmas Island",
    CY = "Cyprus",
    CZ = "Czechia",
    DE = "Germany",
    DJ = "Djibouti",
    DK = "Denmark",
    DM = "Dominica",
    DO = "Dominican Republic",
    DZ = "Algeria",
    EC = "Ecuador",
    EE = "Estonia",
    EG = "Egypt",
    EH = "Western Sahara",
    ER = "Eritrea",
    ES = "Spain",
    ET = "Ethiopia",
    FI = "Finland",
    FJ = "Fiji",
    FK = "Falkland Islands",
    FM = "Micronesia",
    FO = "Faroe Islands",
    FR = "France",
    GA = "Gabon",
    GB = "United Kingdom",
    GD = "Grenada",
    GE = "Georgia",
    GF = "French Guiana",
    GG = "Guernsey",
    GH = "Ghana",
    GI = "Gibraltar",
    GL = "Greenland",
    GM = "Gambia",
    GN = "Guinea",
    GP = "Guadeloupe",
    GQ = "Equatorial Guinea",
    GR = "Greece",
    GS = "South Georgia and the South Sandwich Islands",
    GT = "Guatemala",
    GU = "Guam",
    GW = "Guinea-Bissau",
    GY = "Guyana",
    HK = "Hong Kong",
    HM = "Heard Island and McDonald Islands",
    HN = "Honduras",
    HR = "Croatia",
    HT = "Haiti",
    HU = "Hungary",
    ID = "Indonesia",
    IE = "Ireland",
    IL = "Israel",
    IM = "Isle of Man",
    IN = "India",
    IO = "British Indian Ocean Territory",
    IQ = "Iraq",
    IR = "Iran",
    IS = "Iceland",
    IT = "Italy",
    JE = "Jersey",
    JM = "Jamaica",
    JO = "Jordan",
    JP = "Japan",
    KE = "Kenya",
    KG = "Kyrgyzstan",
    KH = "Cambodia",
    KI = "Kiribati",
    KM = "Comoros",
    KN = "Saint Kitts and Nevis",
    KP = "North Korea",
    KR = "South Korea",
    KW = "Kuwait",
    KY = "Cayman Islands",
    KZ = "Kazakhstan",
    LA = "Laos",
    LB = "Lebanon",
    LC = "Saint Lucia",
    LI = "Liechtenstein",
    LK = "Sri Lanka",
    LR = "Liberia",
    LS = "Lesotho",
    LT = "Lithuania",
    LU = "Luxembourg",
    LV = "Latvia",
    LY = "Libya",
    MA = "Morocco",
    MC = "Monaco",
    MD = "Moldova",
    ME = "Montenegro",
    MF = "Saint Martin",
    MG = "Madagascar",
    MH = "Marshall Islands",
    MK = "North Macedonia",
    ML = "Mali",
    MM = "Myanmar",
    MN = "Mongolia",
    MO = "Macao",
    MP = "Northern Mariana Islands",
    MQ = "Martinique",
    MR = "Mauritania",
    MS = "Montserrat",
    MT = "Malta",
    MU = "Mauritius",
    MV = "Maldives",
    MW = "Malawi",
    MX = "Mexico",
    MY = "Malaysia",
    MZ = "Mozambique",
    NA = "Namibia",
    NC = "New Caledonia",
    NE = "Niger",
    NF = "Norfolk Island",
    NG = "Nigeria",
    NI = "Nicaragua",
    NL = "Netherlands",
    NO = "Norway",
    NP = "Nepal",
    NR = "Nauru",
    NU = "Niue",
    NZ = "New Zealand",
    OM = "Oman",
    PA = "Panama",
    PE = "Peru",
    PF = "French Polynesia",
    PG = "Papua New Guinea",
    PH = "Philippines",
    PK = "Pakistan",
    PL = "Poland",
    PM = "Saint Pierre and Miquelon",
    PN = "Pitcairn",
    PR = "Puerto Rico",
    PS = "Palestine",
    PT = "Portugal",
    PW = "Palau",
    PY = "Paraguay",
    QA = "Qatar",
    RE = "Réunion",
    RO = "Romania",
    RS = "Serbia",
    RU = "Russia",
    RW = "Rwanda",
    SA = "Saudi Arabia",
    SB = "Solomon Islands",
    SC = "Seychelles",
    SD = "Sudan",
    SE = "Sweden",
    SG = "Singapore",
    SH = "Saint Helena, Ascension and Tristan da Cunha",
    SI = "Slovenia",
    SJ = "Svalbard and Jan Mayen",
    SK = "Slovakia",
    SL = "Sierra Leone",
    SM = "San Marino",
    SN = "Senegal",
    SO = "Somalia",
    SR = "Suriname",
    SS = "South Sudan",
    ST = "São Tomé and Príncipe",
    SV = "El Salvador",
    SX = "Sint Maarten",
    SY = "Syria",
    SZ = "Eswatini",
    TC = "Turks and Caicos Islands",
    TD = "Chad",
    TF = "French Southern Territories",
    TG = "Togo",
    TH = "Thailand",
    TJ = "Tajikistan",
    TK = "Tokelau",
    TL = "Timor-Leste",
    TM = "Turkmenistan",
    TN = "Tunisia",
    TO = "Tonga",
    TR = "Türkiye",
    TT = "Trinidad and Tobago",
    TV = "Tuvalu",
    TW = "Taiwan",
    TZ = "Tanzania",
    UA = "Ukraine",
    UG = "Uganda",
    UM = "United States Minor Outlying Islands",
    US = "United States",
    UY = "Uruguay",
    UZ = "Uzbekistan",
    VA = "Vatican City",
    VC = "Saint Vincent and the Grenadines",
    VE = "Venezuela",
    VG = "British Virgin Islands",
    VI = "United States Virgin Islands",
    VN = "Vietnam",
    VU = "Vanuatu",
    WF = "Wallis and Futuna",
    WS = "Samoa",
    YE = "Yemen",
    YT = "Mayotte",
    ZA = "South Africa",
    ZM = "Zambia",
    ZW = "Zimbabwe",
}

crate::read::direct::stored_enums!(CountryCode);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use async_graphql::resolver_utils::EnumType;

    use super::*;

    #[test]
    fn every_assigned_code_is_there_once_in_order_and_has_a_name() {
        let codes: Vec<&str> = CountryCode::ALL.iter().map(|country| country.code()).collect();
        assert_eq!(codes.len(), 249);
        assert!(codes.is_sorted());
        assert_eq!((codes[0], codes[248]), ("AD", "ZW"));
        let has_form = |code: &&str| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        assert!(codes.iter().all(has_form));
        let names: HashSet<&str> = CountryCode::ALL.iter().map(|country| country.name()).collect();
        assert_eq!(names.len(), 249, "no two have the same name");
        assert!(names.iter().all(|name| name.len() > 3 && name.trim() == *name));
    }

    #[test]
    fn the_wire_and_the_database_write_the_code() {
        let items = CountryCode::items();
        assert_eq!(items.len(), 249);
        for (item, country) in items.iter().zip(CountryCode::ALL) {
            assert_eq!((item.name, item.value), (country.code(), *country));
            let stored = bson::serialize_to_bson(country).expect("a text");
            assert_eq!(stored, bson::Bson::from(country.code()));
        }
    }
}
