use super::*;

const ORGANIZATION: &str = "org_00000000000000000000000001";
const STOREFRONT: &str = "sto_00000000000000000000000001";

fn read(words: &[&str]) -> Result<Arguments, clap::Error> {
    let words = std::iter::once("storefront-gateway").chain(words.iter().copied());
    match Arguments::read(words.map(OsString::from)) {
        Ok(arguments) => Ok(arguments),
        Err(Failure::Usage(error)) => Err(*error),
        Err(other) => panic!("wrong use is told as such: {other:?}"),
    }
}

fn refused(words: &[&str]) -> String {
    let error = read(words).expect_err("refused");
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

fn client<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec![
        "client",
        "create",
        "--organization",
        ORGANIZATION,
        "--name",
        "Web",
    ];
    words.extend(rest);
    words
}

#[test]
fn the_definition_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn help_lists_every_setting() {
    let help = Arguments::command().render_long_help().to_string();
    for setting in crate::config::SETTINGS {
        assert!(help.contains(setting.name), "{}", setting.name);
    }
}

#[test]
fn no_command_is_for_the_settings_to_decide() {
    assert!(read(&[]).expect("read").command.is_none());
}

#[test]
fn json_may_stand_anywhere() {
    assert!(read(&["--json", "keys", "rotate"]).expect("read").json);
    assert!(read(&["keys", "rotate", "--json"]).expect("read").json);
}

#[test]
fn a_publishable_key_stands_for_one_storefront_and_has_no_scope() {
    let public = ["--kind", "public"];
    assert!(refused(&client(&public)).contains("exactly one storefront"));
    let two = [
        "--kind",
        "public",
        "--storefront",
        STOREFRONT,
        "--storefront",
        STOREFRONT,
    ];
    assert!(refused(&client(&two)).contains("exactly one storefront"));
    let scoped = [
        "--kind",
        "public",
        "--storefront",
        STOREFRONT,
        "--scope",
        "storage:read",
    ];
    assert!(refused(&client(&scoped)).contains("no scopes"));
    assert!(read(&client(&["--kind", "public", "--storefront", STOREFRONT])).is_ok());
}

#[test]
fn a_backend_may_cover_all_storefronts() {
    let words = [
        "--kind",
        "integration",
        "--scope",
        "storage:read,storage:write",
        "--scope",
        "orders:read",
    ];
    let Some(Command::Client {
        command: ClientCommand::Create(new),
    }) = read(&client(&words)).expect("read").command
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
fn a_wrong_value_is_named_with_the_way_out() {
    assert!(refused(&client(&["--kind", "integration", "--scope", "orders"])).contains("orders:read"));
    assert!(refused(&["organization", "create", "--name", " "]).contains("blank"));
    assert!(refused(&["storefront", "list", "--organization", "sto_1"]).contains("org_"));
    let create = [
        "storefront",
        "create",
        "--organization",
        ORGANIZATION,
        "--name",
        "Shop",
        "--code",
    ];
    assert!(refused(&[&create[..], &["de"]].concat()).contains("capital letters"));
    let url = ["DE", "--account-url", "shop.example"];
    assert!(refused(&[&create[..], &url].concat()).contains("https://shop.example/account"));
    let member = [
        "member",
        "add",
        "--organization",
        ORGANIZATION,
        "--name",
        "Ada",
        "--email",
        "ada",
    ];
    assert!(refused(&member).contains("ada@example.com"));
}

#[test]
fn an_update_names_what_it_changes() {
    refused(&["storefront", "update", STOREFRONT]);
    refused(&[
        "storefront",
        "update",
        STOREFRONT,
        "--conceal-emails",
        "--reveal-emails",
    ]);
    let words = ["storefront", "update", STOREFRONT, "--account-url", ""];
    let Some(Command::Storefront {
        command: StorefrontCommand::Update { changes, .. },
    }) = read(&words).expect("read").command
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
