//! The words that the customers of a crowd are made of.

/// First names; the first ones are the most common.
pub(super) const FIRST_NAMES: [&str; 24] = [
    "Emma", "Noah", "Mila", "Leon", "Lina", "Paul", "Ella", "Finn", "Clara", "Elias", "Lea", "Luis", "Ida",
    "Ben", "Frieda", "Jonas", "Marie", "Theo", "Nora", "Anton", "Greta", "Oskar", "Zoe", "Karl",
];

/// Last names; the first ones are the most common.
pub(super) const LAST_NAMES: [&str; 32] = [
    "Müller",
    "Schmidt",
    "Becker",
    "Fischer",
    "Weber",
    "Wagner",
    "Hoffmann",
    "Koch",
    "Bauer",
    "Richter",
    "Klein",
    "Wolf",
    "Neumann",
    "Schwarz",
    "Zimmermann",
    "Braun",
    "Krüger",
    "Hartmann",
    "Lange",
    "Werner",
    "Krause",
    "Lehmann",
    "Köhler",
    "Maier",
    "Kaiser",
    "Fuchs",
    "Peters",
    "Lang",
    "Scholz",
    "Möller",
    "Weiß",
    "Jung",
];

/// Cities with their zip codes: zip code, city.
pub(super) const CITIES: [(&str, &str); 8] = [
    ("10115", "Berlin"),
    ("20095", "Hamburg"),
    ("80331", "München"),
    ("50667", "Köln"),
    ("04103", "Leipzig"),
    ("01067", "Dresden"),
    ("70173", "Stuttgart"),
    ("28195", "Bremen"),
];

pub(super) const STREETS: [&str; 6] = [
    "Lindenallee",
    "Bahnhofstraße",
    "Gartenweg",
    "Hafengasse",
    "Schulstraße",
    "Am Markt",
];

/// Articles of the orders: SKU, name, price in cents.
pub(super) const ARTICLES: [(&str, &str, u32); 5] = [
    ("MUG-WHITE", "Mug with your photo", 1290),
    ("POSTER-A2", "Poster, A2, matt", 1900),
    ("SHIRT-M", "T-shirt with your design, M", 2450),
    ("CARDS-50", "Fifty cards", 3975),
    ("FRAME-A2", "Frame for A2, oak", 3450),
];
