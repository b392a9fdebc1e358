//! The session's states and what each method does in each (RFC 2326 appendix A.2), as a table.
//!
//! A connection has one session at most, and a session belongs to the connection that set it up. Requests behind a PLAY
//! wait until it is answered, so there is no state between [`State::Ready`] and [`State::Playing`].

use super::rejection::Rejection;
use super::request::Method;

/// The state of a connection's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is none.
    Init,
    /// A transport is set up, and nothing is sent.
    Ready,
    /// The stream is sent.
    Playing,
}

/// What a request's Session header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// There is no such header.
    None,
    /// The connection's session.
    Own,
    /// Something else: a session of another connection, one that has ended, or one that never was.
    Other,
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// List the methods.
    List,
    /// Describe the stream.
    Describe,
    /// Begin a session with the transport asked for. One that the connection had ends.
    Begin,
    /// Change the session's transport.
    Change,
    /// Start at the next key picture.
    Start,
    /// Confirm that it plays. Nothing is restarted, so the reply has no RTP-Info.
    GoOn,
    /// Stop sending.
    Stop,
    /// Answer that the connection lives, or that a parameter is unknown.
    Parameters,
    /// End the session.
    End,
    /// Refuse the request.
    Refuse(Rejection),
}

/// What `method` does in `state`, for a request that names a session so.
///
/// With no Session header, methods that act on a session find none (RFC 2326 section 11.3.5), and SETUP begins one,
/// whatever the state: ffmpeg sends PAUSE and then such a SETUP when it changes from UDP to TCP.
pub const fn act(state: State, method: Method, named: Named) -> Act {
    let own = match named {
        Named::Other => return Act::Refuse(Rejection::NoSession),
        Named::Own => true,
        Named::None => false,
    };
    let no_session = Act::Refuse(Rejection::NoSession);
    let wrong_state = Act::Refuse(Rejection::WrongState);
    match (state, method) {
        (State::Init, Method::Options) => Act::List,
        (State::Init, Method::Describe) => Act::Describe,
        (State::Init, Method::Setup) => Act::Begin,
        (State::Init, Method::Play) => no_session,
        (State::Init, Method::Pause) => no_session,
        (State::Init, Method::GetParameter) => Act::Parameters,
        (State::Init, Method::SetParameter) => Act::Parameters,
        (State::Init, Method::Teardown) => no_session,

        (State::Ready, Method::Options) => Act::List,
        (State::Ready, Method::Describe) => Act::Describe,
        (State::Ready, Method::Setup) if own => Act::Change,
        (State::Ready, Method::Setup) => Act::Begin,
        (State::Ready, Method::Play) if own => Act::Start,
        (State::Ready, Method::Play) => no_session,
        (State::Ready, Method::Pause) if own => wrong_state,
        (State::Ready, Method::Pause) => no_session,
        (State::Ready, Method::GetParameter) => Act::Parameters,
        (State::Ready, Method::SetParameter) => Act::Parameters,
        (State::Ready, Method::Teardown) if own => Act::End,
        (State::Ready, Method::Teardown) => no_session,

        (State::Playing, Method::Options) => Act::List,
        (State::Playing, Method::Describe) => Act::Describe,
        // RFC 2326 section 10.4: a server that does not change the transport of a playing stream answers 455.
        (State::Playing, Method::Setup) if own => wrong_state,
        (State::Playing, Method::Setup) => Act::Begin,
        (State::Playing, Method::Play) if own => Act::GoOn,
        (State::Playing, Method::Play) => no_session,
        (State::Playing, Method::Pause) if own => Act::Stop,
        (State::Playing, Method::Pause) => no_session,
        (State::Playing, Method::GetParameter) => Act::Parameters,
        (State::Playing, Method::SetParameter) => Act::Parameters,
        (State::Playing, Method::Teardown) if own => Act::End,
        (State::Playing, Method::Teardown) => no_session,
    }
}

/// The methods that `state` allows: the Allow header of a 455 (RFC 2326 section 11.3.6).
pub fn allowed(state: State) -> impl Iterator<Item = Method> {
    Method::ALL.into_iter().filter(move |&method| !matches!(act(state, method, Named::Own), Act::Refuse(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 3] = [State::Init, State::Ready, State::Playing];

    /// The table of appendix A.2 with what this server adds, a row a method: without a Session header and with the
    /// connection's own, in Init, Ready and Playing. `455` and `454` are statuses; Init has no session to name.
    const TABLE: &str = "
        method         Init      Ready               Playing
        OPTIONS        List      List     List       List     List
        DESCRIBE       Describe  Describe Describe   Describe Describe
        SETUP          Begin     Begin    Change     Begin    455
        PLAY           454       454      Start      454      GoOn
        PAUSE          454       454      455        454      Stop
        GET_PARAMETER  Params    Params   Params     Params   Params
        SET_PARAMETER  Params    Params   Params     Params   Params
        TEARDOWN       454       454      End        454      End
    ";

    fn word(act: Act) -> String {
        match act {
            Act::Refuse(rejection) => rejection.status().code.to_string(),
            Act::Parameters => "Params".into(),
            Act::List | Act::Describe | Act::Begin | Act::Change | Act::Start | Act::GoOn | Act::Stop | Act::End => {
                format!("{act:?}")
            }
        }
    }

    #[test]
    fn every_state_meets_every_method() {
        let mut rows = TABLE.lines().map(str::split_whitespace).skip(2);
        for method in Method::ALL {
            let row: Vec<&str> = rows.next().unwrap().collect();
            assert_eq!(row[0], method.name());
            let pairs = [
                (State::Init, Named::None),
                (State::Ready, Named::None),
                (State::Ready, Named::Own),
                (State::Playing, Named::None),
                (State::Playing, Named::Own),
            ];
            for ((state, named), &expected) in pairs.into_iter().zip(&row[1..]) {
                assert_eq!(word(act(state, method, named)), expected, "{state:?} {method:?} {named:?}");
            }
        }
    }

    #[test]
    fn a_session_from_elsewhere_is_not_found_by_any_method() {
        for state in STATES {
            for method in Method::ALL {
                assert_eq!(act(state, method, Named::Other), Act::Refuse(Rejection::NoSession), "{state:?} {method:?}");
            }
        }
    }

    #[test]
    fn a_455_lists_what_is_valid() {
        let names = |state| allowed(state).map(Method::name).collect::<Vec<_>>().join(" ");
        assert_eq!(names(State::Ready), "OPTIONS DESCRIBE SETUP PLAY GET_PARAMETER SET_PARAMETER TEARDOWN");
        assert_eq!(names(State::Playing), "OPTIONS DESCRIBE PLAY PAUSE GET_PARAMETER SET_PARAMETER TEARDOWN");
    }
}
