#include "service/http/tracing.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <future>
#include <string_view>
#include <thread>

#include <boost/asio/post.hpp>
#include <opentelemetry/exporters/otlp/otlp_http_exporter_factory.h>
#include <opentelemetry/exporters/otlp/otlp_http_exporter_options.h>
#include <opentelemetry/sdk/common/global_log_handler.h>
#include <opentelemetry/sdk/resource/resource.h>
#include <opentelemetry/sdk/trace/batch_span_processor_factory.h>
#include <opentelemetry/sdk/trace/batch_span_processor_options.h>
#include <opentelemetry/sdk/trace/exporter.h>
#include <opentelemetry/sdk/trace/processor.h>
#include <opentelemetry/sdk/trace/samplers/always_off_factory.h>
#include <opentelemetry/sdk/trace/samplers/always_on_factory.h>
#include <opentelemetry/sdk/trace/samplers/parent_factory.h>
#include <opentelemetry/sdk/trace/samplers/trace_id_ratio_factory.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/trace/propagation/http_trace_context.h>
#include <spdlog/spdlog.h>

#include "service/http/exchange.hpp"
#include "service/http/query.hpp"
#include "service/http/trace.hpp"
#include "service/reader/answer.hpp"

namespace availability::service::tracing {

namespace api = opentelemetry::trace;
namespace sdk = opentelemetry::sdk;
namespace otlp = opentelemetry::exporter::otlp;
namespace nostd = opentelemetry::nostd;
using Propagation = api::propagation::HttpTraceContext;

class Span {
  public:
    explicit Span(nostd::shared_ptr<api::Span> given) : span(std::move(given)) {}
    nostd::shared_ptr<api::Span> span;
};

namespace {

constexpr std::chrono::seconds kPatience(2);
constexpr std::chrono::seconds kBetweenWarnings(10);

std::unique_ptr<sdk::trace::TracerProvider> provider;
nostd::shared_ptr<api::Tracer> tracer;

std::string_view variable(const char* name) {
    const char* text = std::getenv(name);
    return text == nullptr ? std::string_view() : std::string_view(text);
}

// What the library has to say, from whatever thread, goes to the log by the loop, a line now and then.
class Warnings final : public sdk::common::internal_log::LogHandler {
  public:
    explicit Warnings(boost::asio::io_context& io) : io_(io) {}
    void Handle(sdk::common::internal_log::LogLevel, const char*, int, const char* message,
                const sdk::common::AttributeMap&) noexcept override {
        using std::chrono::steady_clock;
        const auto now = steady_clock::now().time_since_epoch().count();
        auto due = due_.load();
        if (now < due || !due_.compare_exchange_strong(
                             due, now + std::chrono::duration_cast<steady_clock::duration>(kBetweenWarnings).count()))
            return;
        try {
            boost::asio::post(io_, [text = std::string(message == nullptr ? "" : message)] {
                spdlog::warn("spans are not sent: {}", text);
            });
        } catch (...) {
            // No memory for a warning: there will be a next one.
        }
    }

  private:
    boost::asio::io_context& io_;
    std::atomic<std::chrono::steady_clock::rep> due_{0};
};

void set_log_handler(sdk::common::internal_log::LogHandler* handler) {
    using sdk::common::internal_log::GlobalLogHandler;
    GlobalLogHandler::SetLogHandler(nostd::shared_ptr<sdk::common::internal_log::LogHandler>(handler));
    GlobalLogHandler::SetLogLevel(sdk::common::internal_log::LogLevel::Warning);
}

// The library reads the variables of the exporter and of the resource; these it leaves to the program.

bool wants_spans(std::string* error) {
    const std::string_view exporter = variable("OTEL_TRACES_EXPORTER");
    if (!exporter.empty() && exporter != "otlp" && exporter != "none")
        *error = "OTEL_TRACES_EXPORTER must be otlp or none";
    const char* kProtocol = variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL").empty()
                                ? "OTEL_EXPORTER_OTLP_PROTOCOL"
                                : "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
    const std::string_view protocol = variable(kProtocol);
    if (!protocol.empty() && protocol != "http/protobuf" && protocol != "http/json")
        *error = std::string(kProtocol) + " must be http/protobuf or http/json";
    if (exporter == "none" || variable("OTEL_SDK_DISABLED") == "true")
        return false;
    return exporter == "otlp" || !variable("OTEL_EXPORTER_OTLP_ENDPOINT").empty() ||
           !variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").empty();
}

bool take_number(const char* name, std::int64_t least, std::int64_t* number, std::string* error) {
    const std::string_view text = variable(name);
    if (text.empty())
        return true;
    const auto value = parse_integer(text);
    if (!value || *value < least || *value > 1000000) {
        *error = std::string(name) + " must be a whole number from " + std::to_string(least) + " to 1000000";
        return false;
    }
    *number = *value;
    return true;
}

sdk::trace::BatchSpanProcessorOptions batches(std::string* error) {
    sdk::trace::BatchSpanProcessorOptions options;
    std::int64_t queue = static_cast<std::int64_t>(options.max_queue_size);
    std::int64_t batch = static_cast<std::int64_t>(options.max_export_batch_size);
    std::int64_t delay = options.schedule_delay_millis.count();
    if (take_number("OTEL_BSP_MAX_QUEUE_SIZE", 1, &queue, error) &&
        take_number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, &batch, error) &&
        take_number("OTEL_BSP_SCHEDULE_DELAY", 1, &delay, error)) {
        options.max_queue_size = static_cast<std::size_t>(queue);
        options.max_export_batch_size = static_cast<std::size_t>(std::min(batch, queue));
        options.schedule_delay_millis = std::chrono::milliseconds(delay);
    }
    return options;
}

// Whether the caller's trace is sampled decides, unless the variable says otherwise.
std::unique_ptr<sdk::trace::Sampler> sampler(std::string* error) {
    std::string_view name = variable("OTEL_TRACES_SAMPLER");
    if (name.empty())
        name = "parentbased_always_on";
    constexpr std::string_view kParent = "parentbased_";
    const bool by_parent = name.substr(0, kParent.size()) == kParent;
    if (by_parent)
        name.remove_prefix(kParent.size());
    std::unique_ptr<sdk::trace::Sampler> own;
    if (name == "always_on") {
        own = sdk::trace::AlwaysOnSamplerFactory::Create();
    } else if (name == "always_off") {
        own = sdk::trace::AlwaysOffSamplerFactory::Create();
    } else if (name == "traceidratio") {
        const std::string text(variable("OTEL_TRACES_SAMPLER_ARG"));
        char* end = nullptr;
        const double ratio = text.empty() ? 1 : std::strtod(text.c_str(), &end);
        if (!text.empty() && (*end != '\0' || !(ratio >= 0 && ratio <= 1)))
            *error = "OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1";
        own = sdk::trace::TraceIdRatioBasedSamplerFactory::Create(ratio);
    } else {
        *error =
            "OTEL_TRACES_SAMPLER must be always_on, always_off or traceidratio, with parentbased_ before it or not";
        return nullptr;
    }
    return by_parent ? sdk::trace::ParentBasedSamplerFactory::Create(std::move(own)) : std::move(own);
}

sdk::resource::Resource resource() {
    sdk::resource::ResourceAttributes attributes{{"service.version", std::string(AVAILABILITY_VERSION)}};
    if (variable("OTEL_SERVICE_NAME").empty() &&
        variable("OTEL_RESOURCE_ATTRIBUTES").find("service.name=") == std::string_view::npos)
        attributes["service.name"] = std::string("availability-service");
    return sdk::resource::Resource::Create(attributes);
}

// As service/http/openapi.json has them; null: no span is made of it.
const char* path_of(Route route) {
    switch (route) {
    case Route::kAvailability:
        return "/v1/listings/{listing}/availability";
    case Route::kCalendar:
        return "/v1/listings/{listing}/calendar";
    case Route::kMonths:
        return "/v1/listings/{listing}/months";
    case Route::kNextGap:
        return "/v1/listings/{listing}/next-gap";
    case Route::kMany:
        return "/v1/availability";
    case Route::kSearch:
        return "/v1/search";
    case Route::kBook:
        return "/v1/bookings";
    case Route::kMove:
        return "/v1/bookings/{id}/move";
    case Route::kCancel:
        return "/v1/bookings/{id}/cancel";
    case Route::kHold:
        return "/v1/holds";
    case Route::kConfirm:
        return "/v1/holds/{hold}/confirm";
    case Route::kRelease:
        return "/v1/holds/{hold}";
    // Asked by machines, all the time; or without an end.
    case Route::kEvents:
    case Route::kHealth:
    case Route::kReady:
    case Route::kMetrics:
    case Route::kOpenApi:
    case Route::kPage:
    case Route::kControl:
    case Route::kNone:
        return nullptr;
    }
    return nullptr;
}

const char* word_of(database::BookingRequest::Action action) {
    static constexpr const char* kWords[] = {"book", "move", "cancel", "hold", "confirm", "release"};
    return kWords[static_cast<int>(action)];
}

const char* word_of(database::QueryError::Kind kind) {
    static constexpr const char* kWords[] = {"none", "server", "overloaded", "unreachable", "timeout", "lost"};
    return kWords[static_cast<int>(kind)];
}

nostd::string_view view(std::string_view text) {
    return {text.data(), text.size()};
}

// Where the trace that a request is of came from; invalid: from nowhere.
api::SpanContext parent_of(std::string_view traceparent) {
    if (!is_traceparent(traceparent))
        return api::SpanContext::GetInvalid();
    return {Propagation::TraceIdFromHex(view(traceparent.substr(3, 32))),
            Propagation::SpanIdFromHex(view(traceparent.substr(36, 16))),
            Propagation::TraceFlagsFromHex(view(traceparent.substr(53, 2))), true};
}

} // namespace

const char* suffix_of_version() {
    return " with OpenTelemetry";
}

std::string start(boost::asio::io_context& io) {
    std::string error;
    if (!wants_spans(&error) || !error.empty())
        return error;
    const sdk::trace::BatchSpanProcessorOptions options = batches(&error);
    std::unique_ptr<sdk::trace::Sampler> chosen = sampler(&error);
    if (!error.empty())
        return error;
    set_log_handler(new Warnings(io));
    provider = sdk::trace::TracerProviderFactory::Create(
        sdk::trace::BatchSpanProcessorFactory::Create(
            otlp::OtlpHttpExporterFactory::Create(otlp::OtlpHttpExporterOptions()), options),
        resource(), std::move(chosen));
    tracer = provider->GetTracer("availability-service", AVAILABILITY_VERSION);
    return {};
}

bool stop() {
    if (provider == nullptr)
        return true;
    tracer = nullptr;
    // The library's own end waits for a collector as long as that takes, whatever it is told.
    std::promise<void> ended;
    std::future<void> end = ended.get_future();
    std::thread([old = std::move(provider), ended = std::move(ended)]() mutable {
        old->Shutdown();
        old = nullptr;
        ended.set_value();
    }).detach();
    if (end.wait_for(kPatience) != std::future_status::ready)
        return false;
    // The loop that the old one knows ends.
    set_log_handler(new sdk::common::internal_log::NoopLogHandler);
    return true;
}

std::shared_ptr<Span> begin(const Exchange& exchange) {
    const char* path = path_of(exchange.route);
    if (!tracer || path == nullptr)
        return nullptr;
    api::StartSpanOptions options;
    options.kind = api::SpanKind::kServer;
    options.parent = parent_of(exchange.request.traceparent);
    options.start_steady_time = opentelemetry::common::SteadyTimestamp(exchange.began);
    options.start_system_time = opentelemetry::common::SystemTimestamp(
        std::chrono::system_clock::now() - (std::chrono::steady_clock::now() - exchange.began));
    const std::string_view method = service::word_of(exchange.request.method);
    auto span = tracer->StartSpan(std::string(method) + " " + path, options);
    span->SetAttribute("http.request.method", view(method));
    span->SetAttribute("http.route", path);
    return std::make_shared<Span>(std::move(span));
}

void end(Span& span, const Exchange& exchange, unsigned status) {
    span.span->SetAttribute("http.response.status_code", static_cast<std::int64_t>(status));
    if (exchange.source >= 0) {
        span.span->SetAttribute("availability.source",
                                view(reader::word_of(static_cast<reader::Source>(exchange.source))));
        span.span->SetAttribute("availability.stale", exchange.stale);
    }
    if (status >= 500) {
        span.span->SetAttribute("error.type", std::to_string(status));
        span.span->SetStatus(api::StatusCode::kError);
    }
    span.span->End();
}

std::shared_ptr<Span> begin_statement(Span* request, database::BookingRequest::Action action) {
    if (request == nullptr || !tracer)
        return nullptr;
    api::StartSpanOptions options;
    options.kind = api::SpanKind::kClient;
    options.parent = request->span->GetContext();
    auto span = tracer->StartSpan(word_of(action), options);
    span->SetAttribute("db.system.name", "postgresql");
    span->SetAttribute("db.operation.name", word_of(action));
    return std::make_shared<Span>(std::move(span));
}

void end_statement(Span& span, const database::QueryError& error) {
    if (error) {
        if (!error.sqlstate.empty())
            span.span->SetAttribute("db.response.status_code", error.sqlstate);
        span.span->SetAttribute("error.type", error.sqlstate.empty() ? word_of(error.kind) : error.sqlstate.c_str());
        span.span->SetStatus(api::StatusCode::kError);
    }
    span.span->End();
}

std::string traceparent_of(const Span& span) {
    const api::SpanContext context = span.span->GetContext();
    char trace[32], parent[16];
    context.trace_id().ToLowerBase16(trace);
    context.span_id().ToLowerBase16(parent);
    return "00-" + std::string(trace, sizeof trace) + "-" + std::string(parent, sizeof parent) +
           (context.IsSampled() ? "-01" : "-00");
}

} // namespace availability::service::tracing
