//! Which requests are refused before anything is asked.

use super::host::Authority;
use super::interface::Context;
use super::rejection::Rejection;
use super::request::{Expectation, Request};
use super::route::{Method, Route};
use crate::limits::HTTP_MAX_BODY_BYTES;

/// What a request asks for, if it may.
pub fn admit(context: &Context<'_>, request: &Request) -> Result<Route, Rejection> {
    let host = host(context, request)?;
    let route = Route::find(&request.path).ok_or(Rejection::NotFound)?;
    if !route.has(request.method) {
        return Err(Rejection::MethodNotAllowed(route));
    }
    match request.method {
        Method::Get | Method::Head | Method::Other if request.length.is_some_and(|length| length > 0) => {
            return Err(Rejection::Body);
        }
        Method::Get | Method::Head | Method::Other => {}
        Method::Put | Method::Post => change(request, host)?,
    }
    if request.expects == Expectation::Unknown {
        return Err(Rejection::Expectation);
    }
    session(context, route, request)?;
    if route == Route::Page && !request.gzip {
        return Err(Rejection::NotAcceptable);
    }
    Ok(route)
}

/// Whether the client has the session that it needs.
pub fn session(context: &Context<'_>, route: Route, request: &Request) -> Result<(), Rejection> {
    let admitted = !route.guarded() || context.access.admits(request.session.as_deref());
    admitted.then_some(()).ok_or(Rejection::NoSession)
}

/// The host that is asked for. Without one, it is a program of before 1996: no browser.
fn host<'a>(context: &Context<'_>, request: &'a Request) -> Result<Option<Authority<'a>>, Rejection> {
    match &request.host {
        None if request.old => Ok(None),
        None => Err(Rejection::NoHost),
        Some(host) => {
            let host = Authority::parse(host).ok_or(Rejection::Malformed)?;
            if context.hosts.have(host) { Ok(Some(host)) } else { Err(Rejection::Misdirected) }
        }
    }
}

/// What a PUT or POST needs. A form of another site can send neither this type nor, without a question that stays
/// unanswered here, a PUT; and its browser names its origin.
fn change(request: &Request, host: Option<Authority<'_>>) -> Result<(), Rejection> {
    let length = request.length.ok_or(Rejection::NoLength)?;
    if length > HTTP_MAX_BODY_BYTES {
        return Err(Rejection::BodyTooLong);
    }
    if let Some(origin) = &request.origin
        && !host.is_some_and(|host| host.is_origin(origin))
    {
        return Err(Rejection::Origin);
    }
    let kind = request.content_type.as_deref().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") { Ok(()) } else { Err(Rejection::ContentType) }
}
