//! All routes. Each noun adds its own in one line; routes and document come from the same place.

use crate::{
    api::Api,
    docs, health, layers, metrics, openapi,
    openapi::Document,
    policy::{Row, Table},
    problem::{Code, Problem},
    v1, welcome,
};
use axum::{Router, routing::get};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes that the document tells of.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::health))
        .routes(routes!(metrics::metrics))
        .routes(routes!(openapi::document))
        .routes(routes!(v1::dubbings::order::order, v1::dubbings::list::list))
        .routes(routes!(v1::dubbings::estimate::estimate))
        .routes(routes!(v1::dubbings::get::get))
        .routes(routes!(v1::dubbings::control::cancel))
        .routes(routes!(v1::dubbings::control::pause))
        .routes(routes!(v1::dubbings::control::resume))
        .routes(routes!(v1::dubbings::control::retry))
        .routes(routes!(v1::dubbings::fork::fork))
        .routes(routes!(v1::dubbings::skip::skip))
        .routes(routes!(v1::dubbings::skip::skip_in_track))
        .routes(routes!(v1::parked_stages::list))
        .routes(routes!(v1::errors::list))
        .routes(routes!(v1::errors::get))
        .routes(routes!(v1::transcript::get::get_transcript))
        .routes(routes!(v1::transcript::change::change))
        .routes(routes!(v1::tracks::list::list, v1::tracks::order::order))
        .routes(routes!(v1::tracks::get::get, v1::tracks::withdraw::withdraw))
        .routes(routes!(v1::tracks::regenerate::regenerate))
        .routes(routes!(v1::tracks::links::links))
        .routes(routes!(v1::lines::list::list))
        .routes(routes!(v1::lines::change::change))
        .routes(routes!(v1::downloads::video))
        .routes(routes!(v1::downloads::audio))
        .routes(routes!(v1::downloads::subtitles_srt))
        .routes(routes!(v1::downloads::subtitles_vtt))
        .routes(routes!(v1::downloads::subtitles_ass))
        .routes(routes!(v1::downloads::report))
        .routes(routes!(v1::downloads::provenance))
        .routes(routes!(v1::events::all))
        .routes(routes!(v1::events::of_dubbing))
        .routes(routes!(v1::ws::connect))
        .routes(routes!(v1::projects::create, v1::projects::list))
        .routes(routes!(v1::projects::get, v1::projects::rename, v1::projects::remove))
        .routes(routes!(v1::glossaries::create, v1::glossaries::list))
        .routes(routes!(v1::glossaries::get, v1::glossaries::replace, v1::glossaries::remove))
        .routes(routes!(v1::abilities::voices))
        .routes(routes!(v1::abilities::languages))
        .routes(routes!(v1::abilities::engines))
        .routes(routes!(v1::usage::list))
        .routes(routes!(v1::nodes::list))
        .routes(routes!(v1::nodes::drain))
        .routes(routes!(v1::nodes::undrain))
        .routes(routes!(v1::queues::list))
        .routes(routes!(v1::queues::pause))
        .routes(routes!(v1::queues::resume))
        .routes(routes!(v1::assets::list::list, v1::assets::create::create))
        .routes(routes!(v1::assets::get::get, v1::assets::erase::erase))
        .merge(of_people())
        .merge(v1::uploads::routes())
}

/// Those about who may call, and who is told.
fn of_people() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(v1::auth::token))
        .routes(routes!(v1::auth::jwks))
        .routes(routes!(v1::auth::revoke))
        .routes(routes!(v1::auth::sessions))
        .routes(routes!(v1::auth::end_session))
        .routes(routes!(v1::auth::ask_for_reset))
        .routes(routes!(v1::auth::redeem_ticket))
        .routes(routes!(v1::account::own))
        .routes(routes!(v1::account::change_password))
        .routes(routes!(
            v1::account::begin_second_factor,
            v1::account::confirm_second_factor,
            v1::account::disable_second_factor
        ))
        .routes(routes!(v1::accounts::list, v1::accounts::invite))
        .routes(routes!(v1::accounts::get, v1::accounts::change))
        .routes(routes!(v1::accounts::invite_again))
        .routes(routes!(v1::accounts::reset_password))
        .routes(routes!(v1::accounts::deactivate))
        .routes(routes!(v1::accounts::reactivate))
        .routes(routes!(v1::accounts::sign_out))
        .routes(routes!(v1::keys::list, v1::keys::create))
        .routes(routes!(v1::keys::revoke))
        .routes(routes!(v1::tenants::list, v1::tenants::create))
        .routes(routes!(v1::tenants::get, v1::tenants::change))
        .routes(routes!(v1::security_events::list))
        .routes(routes!(v1::webhooks::create, v1::webhooks::list))
        .routes(routes!(v1::webhooks::event_types))
        .routes(routes!(v1::webhooks::get, v1::webhooks::change, v1::webhooks::remove))
        .routes(routes!(v1::webhooks::test))
        .routes(routes!(v1::webhooks::rotate_secret))
        .routes(routes!(v1::webhooks::replay))
        .routes(routes!(v1::webhooks::deliveries))
        .routes(routes!(v1::webhooks::redeliver))
}

/// Everything that the server answers.
pub fn router(api: Api) -> Router {
    router_with(api, Router::new(), &[])
}

/// What a server answers that takes no requests of clients: how it is, and its measures.
pub fn router_of_operators(api: Api) -> Router {
    let router = Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/health", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .fallback(async || Problem::new(Code::NoSuchRoute));
    layers::around(router, &api, Table(&[])).with_state(api)
}

/// As [`router`], with more routes, and their policies, inside the same layers.
pub fn router_with(api: Api, more: Router<Api>, policies: &'static [Row]) -> Router {
    let router = Router::from(routes())
        .route("/docs", get(docs::to_folder))
        .route("/docs/{*file}", get(docs::file))
        .route("/welcome", get(welcome::page))
        .route("/welcome/welcome.css", get(welcome::style))
        .route("/welcome/welcome.js", get(welcome::script))
        .merge(more)
        .fallback(async || Problem::new(Code::NoSuchRoute))
        .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed));
    layers::around(router, &api, Table(policies)).with_state(api)
}
