//! The table of settings against what is read, shown and accepted.

use super::*;

#[test]
fn every_setting_is_read_and_its_example_accepted() {
    for setting in SETTINGS.iter() {
        let read_alone = read(&[(setting.name, "\0")]);
        // A zero character is right nowhere, so a setting that takes it is one that nobody reads.
        let error = read_alone.expect_err(setting.name);
        assert!(
            error.0.iter().any(|fault| fault.variable == setting.name),
            "{error}"
        );

        let example = if setting.name == "GATEWAY_MASTER_KEY" {
            KEY
        } else {
            setting.example
        };
        let vars = [(setting.name, example), ("GATEWAY_MASTER_KEY", KEY)];
        assert!(
            read(&vars).is_ok(),
            "{}: {}",
            setting.name,
            read(&vars).unwrap_err()
        );
        if let DefaultValue::Text(default) = setting.default {
            assert!(
                read(&[(setting.name, default)]).is_ok(),
                "the default of {}",
                setting.name
            );
        }
    }
}

#[test]
fn bounds_themselves_are_accepted() {
    for setting in SETTINGS.iter() {
        let (least, most) = match setting.unit {
            ValueUnit::Duration { least, most } | ValueUnit::Size { least, most } => {
                (least.to_owned(), most.to_owned())
            }
            ValueUnit::Number { least, most } => (least.to_string(), most.to_string()),
            ValueUnit::Switch | ValueUnit::Choice(_) | ValueUnit::Form(_) | ValueUnit::List(_) => continue,
        };
        for bound in [&*least, &*most] {
            // The quota is set along, so that the largest file fits.
            let vars = match setting.name {
                "GATEWAY_STORAGE_MAX_FILE" => {
                    vec![(setting.name, bound), ("GATEWAY_STORAGE_QUOTA", "1024GiB")]
                }
                "GATEWAY_STORAGE_QUOTA" => vec![(setting.name, bound), ("GATEWAY_STORAGE_MAX_FILE", "1B")],
                _ => vec![(setting.name, bound)],
            };
            assert!(
                read(&vars).is_ok(),
                "{} at {bound}: {}",
                setting.name,
                read(&vars).unwrap_err()
            );
        }
    }
}

#[test]
fn names_are_ours_and_stand_once() {
    let mut names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    assert!(names.iter().all(|name| name.starts_with("GATEWAY_")));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), SETTINGS.len());
}

#[test]
fn help_and_guide_list_every_setting() {
    let (help, table) = (settings_help(), settings_markdown());
    assert_eq!(table.lines().count(), SETTINGS.len() + 2);
    for setting in SETTINGS.iter() {
        assert!(
            help.contains(&format!("\n  {} (", setting.name)),
            "{}",
            setting.name
        );
        assert!(
            table.contains(&format!("\n| `{}` | ", setting.name)),
            "{}",
            setting.name
        );
    }
    assert!(
        table
            .lines()
            .skip(2)
            .all(|row| row.matches(" | ").count() == 2 && row.starts_with('|')),
        "{table}"
    );
    assert!(help.lines().all(|line| line.chars().count() <= 120), "{help}");
    assert!(help.contains("GATEWAY_LISTEN (text)\n") && help.contains("      Default: 127.0.0.1:8080\n"));
}
