//! Every path, and the description of them all.

use axum::Router;
use axum::{Extension, middleware};
use serde_json::Value;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Largest;
use super::{Hub, access, accounts, agents, bulk, changes, companies, decisions, early, events, health, lease, pools};

/// A batch may be so large, unpacked: 100,000 steps and more.
const LARGEST_BATCH: usize = 256 * 1024 * 1024;
/// A bulk may be so large, unpacked.
const LARGEST_BULK: usize = 8 * 1024 * 1024;

/// Answers every request.
pub fn router(hub: Hub) -> Router {
    let (router, _) = paths().split_for_parts();
    router
        .fallback(health::nowhere)
        .method_not_allowed_fallback(health::otherwise)
        // What cannot be unpacked is refused where the body is read, as a problem.
        .layer(RequestDecompressionLayer::new().gzip(true).pass_through_unaccepted(true))
        .layer(CompressionLayer::new().gzip(true))
        .layer(CatchPanicLayer::custom(health::broken))
        .layer(middleware::from_fn(early::finish))
        .layer(middleware::map_response(health::unkept))
        .with_state(hub)
}

/// The description of the interface, made of the code that answers.
#[must_use]
pub fn openapi() -> Value {
    let (_, paths) = paths().split_for_parts();
    let mut description = serde_json::to_value(paths).unwrap_or_default();
    write_known_formats(&mut description);
    description
}

/// The formats that every tool knows (`OpenAPI` 3.1, format registry), with the limits that say the rest. None of them is as
/// wide as what we take at most: there the limit says it all.
fn write_known_formats(value: &mut Value) {
    if let Some(schema) = value.as_object_mut() {
        let known = match schema.get("format").and_then(Value::as_str) {
            Some("u-int16") => Some((Some("int32"), u64::from(u16::MAX))),
            Some("u-int32") => Some((Some("int64"), u64::from(u32::MAX))),
            Some("u-int64") => Some((None, u64::MAX)),
            _ => None,
        };
        if let Some((format, most)) = known {
            schema.remove("format");
            schema.extend(format.map(|format| ("format".to_owned(), format.into())));
            schema.entry("minimum").or_insert_with(|| 0.into());
            schema.entry("maximum").or_insert_with(|| most.into());
        }
        schema.values_mut().for_each(write_known_formats);
    } else if let Some(list) = value.as_array_mut() {
        list.iter_mut().for_each(write_known_formats);
    }
}

fn paths() -> OpenApiRouter<Hub> {
    let settings = OpenApiRouter::with_openapi(about())
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::description))
        .routes(routes!(companies::list))
        .routes(routes!(companies::get, companies::patch))
        .routes(routes!(companies::put_tier))
        .routes(routes!(companies::list_policies))
        .routes(routes!(companies::put_policy, companies::delete_policy))
        .routes(routes!(access::list_connectors))
        .routes(routes!(access::put_connector, access::delete_connector))
        .routes(routes!(access::list_tokens, access::post_token))
        .routes(routes!(access::delete_token));
    let people = OpenApiRouter::new()
        .routes(routes!(accounts::list))
        .routes(routes!(accounts::get, accounts::delete))
        .routes(routes!(accounts::get_external, accounts::put))
        .routes(routes!(accounts::suspend))
        .routes(routes!(accounts::resume))
        .routes(routes!(accounts::put_seat, accounts::delete_seat))
        .routes(routes!(accounts::put_activity))
        .routes(routes!(decisions::post))
        .routes(routes!(decisions::get))
        .routes(routes!(decisions::post_transfer));
    let pools = OpenApiRouter::new()
        .routes(routes!(pools::list))
        .routes(routes!(pools::get, pools::put, pools::patch, pools::delete))
        .routes(routes!(pools::put_reduction, pools::delete_reduction));
    let agents = OpenApiRouter::new()
        .routes(routes!(agents::state))
        .routes(routes!(changes::get))
        .routes(routes!(agents::get_batch))
        .routes(routes!(agents::post_confirmation))
        .routes(routes!(agents::post_relink))
        .routes(routes!(lease::get, lease::post, lease::put, lease::delete))
        .routes(routes!(events::get));
    let batches = OpenApiRouter::new().routes(routes!(agents::post_batch)).layer(Extension(Largest(LARGEST_BATCH)));
    let bulk = OpenApiRouter::new().routes(routes!(bulk::post)).layer(Extension(Largest(LARGEST_BULK)));
    settings.merge(people).merge(pools).merge(agents).merge(batches).merge(bulk)
}

fn about() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Seatsync licence ledger")
        .description(Some("Companies, their pools of seats, and who holds or waits for one."))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build()));
    let mut about = OpenApiBuilder::new().info(info.build()).build();
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("seatsync_ID_SECRET").build();
    about.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(token));
    about
}
