//! A request that passed the rules, and what other parts are asked for it.

use crate::service::http::interface::{Call, Question};
use crate::service::http::rejection::Rejection;
use crate::service::http::request::Request;
use crate::service::http::route::Route;

/// A request that passed the rules.
#[derive(Debug)]
pub struct Asked {
    /// What it asks for.
    pub route: Route,
    /// The request.
    pub request: Request,
}

impl Asked {
    /// The question, now that the body is here.
    pub fn question(&self, body: Vec<u8>) -> Question {
        let Self { route, request } = self;
        let call = || Call { body, session: request.session.clone(), signature: request.signature.clone() };
        match route {
            Route::Page => Question::Page,
            Route::Video => Question::Video,
            Route::Snapshot => Question::Snapshot,
            Route::Events => Question::Events,
            Route::Settings if request.method.changes() => Question::Update(call()),
            Route::Settings => Question::Settings,
            Route::Status => Question::Status,
            Route::Metrics => Question::Metrics,
            Route::Health => Question::Health,
            Route::Login => Question::Login(call()),
            Route::Logout => Question::Logout(call()),
            Route::Reload => Question::Reload(call()),
        }
    }

    /// What it means that there is no answer.
    pub const fn without_answer(&self) -> Rejection {
        match self.route {
            Route::Video | Route::Snapshot => Rejection::NoPicture,
            Route::Page
            | Route::Events
            | Route::Settings
            | Route::Status
            | Route::Metrics
            | Route::Health
            | Route::Login
            | Route::Logout
            | Route::Reload => Rejection::NoAnswer,
        }
    }
}
