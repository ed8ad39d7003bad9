#include "service/control/control.hpp"

#include <cmath>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "relay/bearer.hpp"
#include "service/http/response.hpp"

namespace availability::service {

namespace {

using nlohmann::json;

void answer(Exchange& exchange, const json& document) {
    exchange.body = document.dump();
    exchange.finish({});
}

void refuse_body(Exchange& exchange, const std::string& why) {
    refuse(exchange, {400, "invalid-body", "The body is not what it must be", why});
}

json as_json(const reader::Routing& routing) {
    return {{"mode", reader::word_of(routing.mode)},
            {"canary", reader::word_of(routing.canary)},
            {"canary_share", routing.canary_share},
            {"kill_switch", routing.kill_switch}};
}

bool take_share(const json& value, double* share) {
    if (!value.is_number())
        return false;
    *share = value.get<double>();
    return *share >= 0 && *share <= 1;
}

// Empty, or what is wrong.
std::string take(const std::string& name, const json& value, reader::Routing* routing) {
    if (name == "mode" || name == "canary") {
        reader::Mode* mode = name == "mode" ? &routing->mode : &routing->canary;
        return value.is_string() && reader::parse_mode(value.get<std::string>(), mode)
                   ? ""
                   : name + " must be replica, near, redis or database";
    }
    if (name == "canary_share")
        return take_share(value, &routing->canary_share) ? "" : "canary_share must be from 0 to 1";
    if (name == "kill_switch") {
        if (!value.is_boolean())
            return "kill_switch must be true or false";
        routing->kill_switch = value.get<bool>();
        return {};
    }
    return "the body has a member that is not known here";
}

} // namespace

void Control::handle(Exchange& exchange) {
    exchange.route = Route::kControl;
    const std::string token = hooks_.token();
    if (token.empty() || !relay::is_authorized(exchange.request.authorization, token)) {
        // Whoever has none keeps no place that an operator needs.
        Problem problem{401, "unauthorized", "A bearer token is required"};
        problem.close = true;
        return refuse(exchange, problem);
    }
    const std::string& target = exchange.request.target;
    const bool is_status = target == "/v1/status";
    if (target != "/v1/routing" && target != "/v1/verification" && !is_status)
        return refuse(exchange, {404, "not-found", "There is no such resource"});
    const Method method = exchange.request.method;
    if (method != Method::kGet && (method != Method::kPut || is_status)) {
        Problem problem{405, "method-not-allowed", "The resource does not have this method"};
        problem.allow = is_status ? "GET" : "GET, PUT";
        return refuse(exchange, problem);
    }
    if (is_status) {
        exchange.body = hooks_.status();
        return exchange.finish({});
    }
    target == "/v1/routing" ? routing(exchange) : verification(exchange);
}

void Control::routing(Exchange& exchange) {
    reader::Routing routing = hooks_.routing();
    if (exchange.request.method == Method::kPut) {
        const json document = json::parse(exchange.request.body, nullptr, false);
        if (!document.is_object())
            return refuse_body(exchange, "the body must be a JSON object");
        for (const auto& [name, value] : document.items())
            if (const std::string error = take(name, value, &routing); !error.empty())
                return refuse_body(exchange, error);
        if (const std::string error = hooks_.set_routing(routing); !error.empty())
            return refuse(exchange, {409, "not-possible", "The service can't be routed so", error});
        routing = hooks_.routing();
        spdlog::warn("routing: mode {}, canary {} for a share of {}, kill switch {}", reader::word_of(routing.mode),
                     reader::word_of(routing.canary), routing.canary_share, routing.kill_switch ? "on" : "off");
    }
    answer(exchange, as_json(routing));
}

void Control::verification(Exchange& exchange) {
    if (exchange.request.method == Method::kPut) {
        const json document = json::parse(exchange.request.body, nullptr, false);
        double share = 0;
        if (!document.is_object() || document.size() != 1 || !document.contains("share") ||
            !take_share(document["share"], &share))
            return refuse_body(exchange, "the body must be {\"share\": a number from 0 to 1}");
        hooks_.set_share(share);
        spdlog::info("verification: a share of {}", share);
    }
    answer(exchange, {{"share", hooks_.share()}});
}

void Control::finished(const Exchange& exchange, unsigned status) {
    spdlog::info("control: {} {} {}", word_of(exchange.request.method), printable(exchange.request.target), status);
}

} // namespace availability::service
