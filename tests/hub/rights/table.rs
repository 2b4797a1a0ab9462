//! The table: each call, and what comes of it for everyone. Words in double braces stand for things; see `World::thing`.

/// A call, and its answer for nobody in particular, Ann, Ben, Sella, staff, somebody banned and somebody frozen.
///
/// Ann owns the comments, tickets, bids and payments, and has won the sale; Sella offers the auctions and hears of them by
/// webhooks; Ben is a stranger.
pub struct Call {
    pub method: &'static str,
    /// As the API describes it.
    pub route: &'static str,
    /// What is asked.
    pub path: &'static str,
    /// JSON, or nothing; an image where images go.
    pub body: &'static str,
    pub expected: Answers,
}

type Answers = [&'static str; 7];

const SIGN_IN: &str = "401 unauthenticated";
const NO: &str = "403 forbidden";
const BANNED: &str = "403 banned";
const FROZEN: &str = "403 account_frozen";

const fn call(
    method: &'static str,
    route: &'static str,
    path: &'static str,
    body: &'static str,
    expected: Answers,
) -> Call {
    let path = if path.is_empty() { route } else { path };
    Call { method, route, path, body, expected }
}

const fn all(done: &'static str) -> Answers {
    [done; 7]
}

const fn signed_in(done: &'static str) -> Answers {
    [SIGN_IN, done, done, done, done, done, done]
}

const fn unless_banned(done: &'static str) -> Answers {
    [SIGN_IN, done, done, done, done, BANNED, done]
}

const fn unless_frozen(done: &'static str) -> Answers {
    [SIGN_IN, done, done, done, done, done, FROZEN]
}

const fn staff(done: &'static str) -> Answers {
    [SIGN_IN, NO, NO, NO, done, BANNED, FROZEN]
}

/// Whoever may bid on what Sella offers. A room refuses with a verdict: 409, and why.
const fn bidders(done: &'static str) -> Answers {
    [SIGN_IN, done, done, "409 own_auction", done, "409 banned", "409 account_frozen"]
}

/// The same where no room is asked.
const fn unbarred_bidders(done: &'static str) -> Answers {
    [SIGN_IN, done, done, "409 own_auction", done, BANNED, FROZEN]
}

const fn its_seller(done: &'static str) -> Answers {
    [SIGN_IN, NO, NO, done, NO, BANNED, NO]
}

/// What is Ann's, and staff's to handle. That it is there is not said to others.
const fn its_owner_and_staff(done: &'static str, hidden: &'static str) -> Answers {
    [SIGN_IN, done, hidden, hidden, done, hidden, hidden]
}

/// A webhook of Sella's. That it is there is not said to others, staff among them.
const fn its_listener(done: &'static str) -> Answers {
    const HIDDEN: &str = "404 unknown_webhook";
    [SIGN_IN, HIDDEN, HIDDEN, done, HIDDEN, HIDDEN, HIDDEN]
}

/// The same where something is changed or sent.
const fn its_listener_unless_banned(done: &'static str) -> Answers {
    const HIDDEN: &str = "404 unknown_webhook";
    [SIGN_IN, HIDDEN, HIDDEN, done, HIDDEN, BANNED, HIDDEN]
}

#[rustfmt::skip]
pub const TABLE: &[Call] = &[
    call("get", "/healthz", "", "", all("200")),
    call("get", "/readyz", "", "", all("200")),
    call("get", "/metrics", "", "", all("200")),
    call("get", "/ws", "", "", all("426 upgrade_required")),
    call("get", "/api/time", "", "", all("200")),

    call("post", "/api/auth/register", "", r#"{"email":"{{key}}@example.com","password":"correct horse battery","display_name":"New"}"#, all("201")),
    call("post", "/api/auth/login", "", r#"{"email":"ben@example.com","password":"correct horse battery"}"#, all("200")),
    call("post", "/api/auth/logout", "", "", all("204")),
    call("post", "/api/auth/password", "", r#"{"current":"correct horse battery","new":"correct horse battery"}"#, signed_in("204")),
    call("post", "/api/auth/password-reset", "", r#"{"email":"nobody@example.com"}"#, all("202")),
    call("post", "/api/auth/password-reset/confirm", "", r#"{"token":"9mW0yYdP3cJq5uX8Zt2LrB7nKe4HgVs1AfQoTiCxDwU","password":"correct horse battery"}"#, all("422 invalid_token")),
    call("post", "/api/auth/email-confirm", "", r#"{"token":"9mW0yYdP3cJq5uX8Zt2LrB7nKe4HgVs1AfQoTiCxDwU"}"#, all("422 invalid_token")),
    call("post", "/api/auth/email-confirm/resend", "", "", signed_in("202")),
    call("get", "/api/me", "", "", signed_in("200")),
    call("get", "/api/me/export", "", "", signed_in("200")),
    call("post", "/api/me/erase", "", r#"{"password":"another long one"}"#, signed_in("401 invalid_credentials")),

    call("get", "/api/auctions", "", "", all("200")),
    call("post", "/api/auctions", "", r#"{"title":"Desk","description":"","category":"furniture","currency":"USD","opening_price":1000,"ends_at":"2026-11-20T20:00:00.000Z"}"#, unless_banned("201")),
    call("get", "/api/auctions/{id}", "/api/auctions/{{standing}}", "", all("200")),
    call("patch", "/api/auctions/{id}", "/api/auctions/{{auction}}", r#"{"title":"Oak desk"}"#, its_seller("200")),
    call("delete", "/api/auctions/{id}", "/api/auctions/{{auction}}", "", its_seller("204")),
    call("get", "/api/auctions/{id}/bids", "/api/auctions/{{standing}}/bids", "", all("200")),
    call("post", "/api/auctions/{id}/bids", "/api/auctions/{{auction}}/bids", r#"{"amount":1000}"#, bidders("201")),
    call("post", "/api/auctions/{id}/buy-now", "/api/auctions/{{for_sale}}/buy-now", "", bidders("201")),
    call("get", "/api/auctions/{id}/events", "/api/auctions/{{standing}}/events", "", all("200")),
    call("get", "/api/auctions/{id}/log", "/api/auctions/{{standing}}/log", "", all("200")),
    call("get", "/api/auctions/{id}/activity", "/api/auctions/{{standing}}/activity", "", all("200")),
    call("get", "/api/auctions/{id}/viewers", "/api/auctions/{{standing}}/viewers", "", all("200")),
    call("post", "/api/auctions/{id}/report", "/api/auctions/{{auction}}/report", r#"{"reason":"not oak"}"#, [SIGN_IN, "201", "201", "409 own_auction", "201", BANNED, "201"]),
    call("get", "/api/auctions/{id}/allowance", "/api/auctions/{{funded}}/allowance", "", signed_in("200")),
    call("put", "/api/auctions/{id}/allowance", "/api/auctions/{{funded}}/allowance", r#"{"amount":1000}"#, unbarred_bidders("200")),
    call("delete", "/api/auctions/{id}/allowance", "/api/auctions/{{funded}}/allowance", "", unbarred_bidders("200")),
    call("post", "/api/images", "", "an image", unless_banned("201")),
    call("get", "/api/images/{id}", "/api/images/{{image}}", "", all("200")),
    call("delete", "/api/images/{id}", "/api/images/{{spare_image}}", "", [SIGN_IN, "204", NO, NO, NO, BANNED, NO]),
    call("get", "/api/images/{id}/thumbnail", "/api/images/{{image}}/thumbnail", "", all("200")),
    call("get", "/api/activity", "", "", all("200")),
    call("get", "/api/search", "/api/search?q=desk", "", all("200")),

    call("get", "/api/me/images", "", "", signed_in("200")),
    call("get", "/api/me/bids", "", "", signed_in("200")),
    call("put", "/api/me/watchlist/{auction}", "/api/me/watchlist/{{standing}}", "", signed_in("204")),
    call("get", "/api/me/watchlist", "", "", signed_in("200")),
    call("delete", "/api/me/watchlist/{auction}", "/api/me/watchlist/{{standing}}", "", signed_in("204")),
    call("get", "/api/notifications", "", "", signed_in("200")),
    call("post", "/api/notifications/read", "", r#"{"up_to":1}"#, signed_in("200")),
    call("get", "/api/notifications/preferences", "", "", signed_in("200")),
    call("put", "/api/notifications/preferences", "", r#"{"money":{"push":true,"email":false}}"#, signed_in("200")),

    call("get", "/api/comments/{id}", "/api/comments/{{standing}}", "", all("200")),
    call("post", "/api/comments", "", r#"{"auction":"{{standing}}","body":"Is it oak?"}"#, unless_banned("201")),
    call("delete", "/api/comments/{id}", "/api/comments/{{comment}}", r#"{"reason":"rude"}"#, [SIGN_IN, "204", NO, NO, "204", BANNED, FROZEN]),
    call("post", "/api/comments/{id}/report", "/api/comments/{{comment}}/report", r#"{"reason":"rude"}"#, [SIGN_IN, "409 own_comment", "201", "201", "201", BANNED, "201"]),

    call("get", "/api/tickets", "", "", signed_in("200")),
    call("post", "/api/tickets", "", r#"{"subject":"Help","body":"Please."}"#, signed_in("201")),
    call("get", "/api/tickets/{id}", "/api/tickets/{{ticket}}", "", its_owner_and_staff("200", "404 unknown_ticket")),
    call("post", "/api/tickets/{id}/messages", "/api/tickets/{{ticket}}/messages", r#"{"body":"More."}"#, its_owner_and_staff("201", "404 unknown_ticket")),
    call("post", "/api/tickets/{id}/close", "/api/tickets/{{open_ticket}}/close", "", [SIGN_IN, "200", "404 unknown_ticket", "404 unknown_ticket", NO, "404 unknown_ticket", "404 unknown_ticket"]),
    call("post", "/api/tickets/{id}/reopen", "/api/tickets/{{closed}}/reopen", "", [SIGN_IN, "200", "404 unknown_ticket", "404 unknown_ticket", NO, "404 unknown_ticket", "404 unknown_ticket"]),

    call("get", "/api/invoices", "", "", signed_in("200")),
    call("get", "/api/invoices/{id}", "/api/invoices/{{invoice}}", "", [SIGN_IN, "200", "404 unknown_invoice", "200", "200", "404 unknown_invoice", "404 unknown_invoice"]),
    call("get", "/api/wallet", "", "", signed_in("200")),
    call("get", "/api/wallet/entries", "", "", signed_in("200")),
    call("put", "/api/wallet/policy", "", r#"{"raise":"exact"}"#, signed_in("200")),
    call("get", "/api/wallet/deposits", "", "", signed_in("200")),
    call("post", "/api/wallet/deposits", "", r#"{"amount":1000}"#, unless_banned("201")),
    call("post", "/api/wallet/withdrawals", "", r#"{"amount":1000}"#, unless_frozen("201")),
    call("get", "/api/wallet/withdrawals", "", "", signed_in("200")),
    call("get", "/api/wallet/payments/{id}", "/api/wallet/payments/{{payment}}", "", [SIGN_IN, "200", "404 unknown_payment", "404 unknown_payment", "404 unknown_payment", "404 unknown_payment", "404 unknown_payment"]),
    call("post", "/api/wallet/payout-account", "", "{}", unless_frozen("200")),
    call("post", "/api/payments/{provider}/webhook", "/api/payments/nobody/webhook", "{}", all("404 unknown_provider")),

    call("post", "/api/webhooks", "", r#"{"url":"https://shop.example/hook","events":["bid","ended"],"description":"till"}"#, unless_banned("201")),
    call("get", "/api/webhooks", "", "", signed_in("200")),
    call("get", "/api/webhooks/{id}", "/api/webhooks/{{webhook}}", "", its_listener("200")),
    call("patch", "/api/webhooks/{id}", "/api/webhooks/{{webhook}}", r#"{"events":["bid","ended"],"description":"till"}"#, its_listener_unless_banned("200")),
    call("delete", "/api/webhooks/{id}", "/api/webhooks/{{new_webhook}}", "", its_listener_unless_banned("204")),
    call("post", "/api/webhooks/{id}/rotate", "/api/webhooks/{{webhook}}/rotate", "", its_listener_unless_banned("200")),
    call("post", "/api/webhooks/{id}/test", "/api/webhooks/{{webhook}}/test", "", its_listener_unless_banned("202")),
    call("post", "/api/webhooks/{id}/replay", "/api/webhooks/{{webhook}}/replay", r#"{"auction":"{{standing}}"}"#, its_listener_unless_banned("202")),
    call("get", "/api/webhooks/{id}/deliveries", "/api/webhooks/{{webhook}}/deliveries", "", its_listener("200")),
    call("post", "/api/webhooks/{id}/deliveries/{delivery}/retry", "/api/webhooks/{{webhook}}/deliveries/{{delivery}}/retry", "", its_listener_unless_banned("202")),

    call("get", "/api/staff/audit", "", "", staff("200")),
    call("get", "/api/staff/customers", "", "", staff("200")),
    call("get", "/api/staff/customers/runs", "", "", staff("200")),
    call("get", "/api/staff/cases", "", "", staff("200")),
    call("get", "/api/staff/cases/{id}", "/api/staff/cases/{{case}}", "", staff("200")),
    call("post", "/api/staff/cases/{id}/resolve", "/api/staff/cases/{{case}}/resolve", r#"{"action":"release","note":"the seller agrees"}"#, staff("200")),
    call("get", "/api/staff/moderation", "", "", staff("200")),
    call("get", "/api/staff/moderation/{id}", "/api/staff/moderation/{{item}}", "", staff("200")),
    call("post", "/api/staff/moderation/{id}/resolve", "/api/staff/moderation/{{item}}/resolve", r#"{"outcome":"dismissed","reason":"it is oak"}"#, staff("200")),
    call("post", "/api/staff/images/{id}/remove", "/api/staff/images/{{spare_image}}/remove", r#"{"reason":"shows somebody's papers"}"#, staff("204")),
    call("get", "/api/staff/tickets", "", "", staff("200")),
    call("patch", "/api/staff/tickets/{id}", "/api/staff/tickets/{{open_ticket}}", r#"{"status":"closed"}"#, staff("200")),
    call("post", "/api/staff/auctions/{id}/stop", "/api/staff/auctions/{{auction}}/stop", r#"{"reason":"a mistake"}"#, staff("200")),
    call("post", "/api/staff/auctions/{id}/pause", "/api/staff/auctions/{{auction}}/pause", r#"{"reason":"a question"}"#, staff("200")),
    call("post", "/api/staff/auctions/{id}/resume", "/api/staff/auctions/{{paused}}/resume", r#"{"reason":"answered"}"#, staff("200")),
    call("post", "/api/staff/auctions/{id}/bids/{seq}/void", "/api/staff/auctions/{{bid_on}}/void", r#"{"reason":"a mistake"}"#, staff("200")),
    call("get", "/api/staff/users/{id}/export", "/api/staff/users/{{stranger}}/export", "", staff("200")),
    call("post", "/api/staff/users/{id}/erase", "/api/staff/users/{{stranger}}/erase", r#"{"reason":"asked by letter"}"#, staff("204")),
    call("post", "/api/staff/users/{id}/ban", "/api/staff/users/{{stranger}}/ban", r#"{"reason":"a fraud"}"#, staff("204")),
    call("post", "/api/staff/users/{id}/unban", "/api/staff/users/{{banned}}/unban", r#"{"reason":"a mistake"}"#, staff("204")),
    call("post", "/api/staff/users/{id}/freeze", "/api/staff/users/{{stranger}}/freeze", r#"{"reason":"a question"}"#, staff("204")),
    call("post", "/api/staff/users/{id}/unfreeze", "/api/staff/users/{{frozen}}/unfreeze", r#"{"reason":"answered"}"#, staff("204")),
    call("get", "/api/staff/users/{id}/wallet", "/api/staff/users/{{ben}}/wallet", "", staff("200")),
    call("put", "/api/staff/users/{id}/limits", "/api/staff/users/{{ben}}/limits", r#"{"reason":"as all"}"#, staff("204")),
];
