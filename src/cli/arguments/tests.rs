use super::*;

const ORGANIZATION: &str = "org_00000000000000000000000001";
const STOREFRONT: &str = "sto_00000000000000000000000001";

/// Reads a command line whose words contain no spaces.
fn read(line: &str) -> Result<Arguments, clap::Error> {
    read_words(line.split_whitespace())
}

fn read_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Arguments, clap::Error> {
    let words = std::iter::once("storefront-gateway").chain(words);
    match Arguments::read(words.map(OsString::from)) {
        Ok(arguments) => Ok(arguments),
        Err(Failure::Usage(error)) => Err(*error),
        Err(other) => panic!("not reported as wrong use: {other:?}"),
    }
}

fn refused(line: &str) -> String {
    let error = read(line).expect_err("refused");
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

fn client(rest: &str) -> String {
    format!("client create --organization {ORGANIZATION} --name Web {rest}")
}

#[test]
fn the_definition_is_valid() {
    Arguments::command().debug_assert();
}

#[test]
fn help_lists_every_setting() {
    let help = Arguments::command().render_long_help().to_string();
    for setting in crate::config::SETTINGS.iter() {
        assert!(help.contains(setting.name), "{}", setting.name);
    }
}

#[test]
fn without_a_command_the_settings_decide() {
    assert!(read("").expect("read").command.is_none());
}

#[test]
fn json_can_be_anywhere() {
    assert!(read("--json keys rotate").expect("read").json);
    assert!(read("keys rotate --json").expect("read").json);
}

#[test]
fn a_publishable_key_has_one_storefront_and_no_scope() {
    let of_one = format!("--kind public --storefront {STOREFRONT}");
    assert!(read(&client(&of_one)).is_ok());
    let of_two = format!("{of_one} --storefront {STOREFRONT}");
    for public in ["--kind public", &of_two] {
        assert!(refused(&client(public)).contains("exactly one storefront"));
    }
    let scoped = format!("{of_one} --scope storage:read");
    assert!(refused(&client(&scoped)).contains("no scopes"));
}

#[test]
fn a_backend_may_cover_all_storefronts() {
    let line = client("--kind integration --scope storage:read,storage:write --scope orders:read");
    let Some(Command::Client {
        command: ClientCommand::Create(new),
    }) = read(&line).expect("read").command
    else {
        panic!("a new client")
    };
    assert!(new.storefronts.is_empty());
    assert_eq!(
        new.scopes,
        [Scope::StorageRead, Scope::StorageWrite, Scope::OrdersRead]
    );
}

#[test]
fn a_wrong_value_is_named_with_the_remedy() {
    let create = format!("storefront create --organization {ORGANIZATION} --name Shop --code");
    for (line, expected) in [
        (client("--kind integration --scope orders"), "orders:read"),
        ("storefront list --organization sto_1".to_owned(), "org_"),
        (format!("{create} de"), "capital letters"),
        (
            format!("{create} DE --account-url shop.example"),
            "https://shop.example/account",
        ),
        (
            format!("member add --organization {ORGANIZATION} --name Ada --email ada"),
            "ada@example.com",
        ),
    ] {
        assert!(refused(&line).contains(expected), "{line}");
    }
    let blank = read_words(["organization", "create", "--name", " "]).expect_err("refused");
    assert!(blank.to_string().contains("blank"), "{blank}");
}

#[test]
fn an_update_names_its_changes() {
    refused(&format!("storefront update {STOREFRONT}"));
    refused(&format!(
        "storefront update {STOREFRONT} --conceal-emails --reveal-emails"
    ));
    let words = ["storefront", "update", STOREFRONT, "--account-url", ""];
    let Some(Command::Storefront {
        command: StorefrontCommand::Update { changes, .. },
    }) = read_words(words).expect("read").command
    else {
        panic!("an update")
    };
    assert_eq!(changes.account_url, Some(NewAccountUrl(None)));
}

#[test]
fn an_account_page_ends_without_a_slash() {
    assert_eq!(
        account_url("https://shop.example/account/").as_deref(),
        Ok("https://shop.example/account")
    );
    for bad in [
        "ftp://shop.example",
        "https://shop.example/?a=b",
        "https://a:b@shop.example",
        "/account",
    ] {
        assert!(account_url(bad).is_err(), "{bad}");
    }
}
