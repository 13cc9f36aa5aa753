//! The gateway's command.

fn main() {
    println!("{}", storefront_gateway::schema::sdl());
}
