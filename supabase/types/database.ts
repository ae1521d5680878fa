// What the API serves, for createClient<Database>. Written by `make types` from a fresh database; not by hand.
export type Json = string | number | boolean | null | {
    [key: string]: Json | undefined;
} | Json[];
export type Database = {
    "public": {
        Tables: {
            [_ in never]: never;
        };
        Views: {
            "aggregated_analytics": {
                Row: {
                    "all_in_get_in_close": number | null;
                    "all_in_get_in_high": number | null;
                    "all_in_get_in_low": number | null;
                    "all_in_get_in_open": number | null;
                    "all_in_price_avg": number | null;
                    "all_in_price_avg_trimmed": number | null;
                    "all_in_price_max": number | null;
                    "all_in_price_median": number | null;
                    "all_in_price_p25": number | null;
                    "all_in_price_p75": number | null;
                    "captures": number;
                    "captures_expected": number;
                    "days_to_event": number | null;
                    "event_id": number;
                    "first_captured_at": string;
                    "get_in_close": number | null;
                    "get_in_high": number | null;
                    "get_in_low": number | null;
                    "get_in_open": number | null;
                    "hour": string;
                    "is_final": boolean | null;
                    "last_captured_at": string;
                    "listings_added": number | null;
                    "listings_avg": number;
                    "listings_close": number;
                    "listings_gone": number | null;
                    "listings_open": number;
                    "listings_relisted": number | null;
                    "listings_repriced_down": number | null;
                    "listings_repriced_up": number | null;
                    "pair_get_in": number | null;
                    "price_avg": number | null;
                    "price_avg_trimmed": number | null;
                    "price_max": number | null;
                    "price_median": number | null;
                    "price_p25": number | null;
                    "price_p75": number | null;
                    "sold_value_est": number | null;
                    "tickets_avg": number;
                    "tickets_close": number;
                    "tickets_gone": number | null;
                    "tickets_open": number;
                    "tickets_sold_est": number | null;
                    "events": {
                        "address": string | null;
                        "capacity": number | null;
                        "category_id": number | null;
                        "city": string | null;
                        "country_code": string | null;
                        "delay_type": string | null;
                        "event_id": number;
                        "event_name": string | null;
                        "interval_seconds": number | null;
                        "is_date_tbd": boolean;
                        "is_hidden": boolean;
                        "is_if_necessary": boolean;
                        "is_time_tbd": boolean;
                        "is_tracked": boolean;
                        "latitude": number | null;
                        "longitude": number | null;
                        "postal_code": string | null;
                        "starts_at": string | null;
                        "starts_at_local": string | null;
                        "state": string | null;
                        "sub_category_id": number | null;
                        "timezone": string | null;
                        "tracked_since_at": string | null;
                        "venue_id": number | null;
                        "venue_name": string | null;
                        "web_path": string | null;
                    } | null;
                };
                ComputedFields: "events";
                Relationships: [
                ];
            };
            "daily_analytics": {
                Row: {
                    "all_in_get_in_close": number | null;
                    "all_in_get_in_high": number | null;
                    "all_in_get_in_low": number | null;
                    "all_in_get_in_open": number | null;
                    "all_in_price_avg": number | null;
                    "all_in_price_avg_trimmed": number | null;
                    "all_in_price_max": number | null;
                    "all_in_price_median": number | null;
                    "all_in_price_p25": number | null;
                    "all_in_price_p75": number | null;
                    "captures": number;
                    "captures_expected": number;
                    "day": string;
                    "days_to_event": number | null;
                    "event_id": number;
                    "first_captured_at": string;
                    "get_in_close": number | null;
                    "get_in_high": number | null;
                    "get_in_low": number | null;
                    "get_in_open": number | null;
                    "is_final": boolean | null;
                    "last_captured_at": string;
                    "listings_added": number | null;
                    "listings_avg": number;
                    "listings_close": number;
                    "listings_gone": number | null;
                    "listings_open": number;
                    "listings_relisted": number | null;
                    "listings_repriced_down": number | null;
                    "listings_repriced_up": number | null;
                    "pair_get_in": number | null;
                    "price_avg": number | null;
                    "price_avg_trimmed": number | null;
                    "price_max": number | null;
                    "price_median": number | null;
                    "price_p25": number | null;
                    "price_p75": number | null;
                    "sold_value_est": number | null;
                    "tickets_avg": number;
                    "tickets_close": number;
                    "tickets_gone": number | null;
                    "tickets_open": number;
                    "tickets_sold_est": number | null;
                    "events": {
                        "address": string | null;
                        "capacity": number | null;
                        "category_id": number | null;
                        "city": string | null;
                        "country_code": string | null;
                        "delay_type": string | null;
                        "event_id": number;
                        "event_name": string | null;
                        "interval_seconds": number | null;
                        "is_date_tbd": boolean;
                        "is_hidden": boolean;
                        "is_if_necessary": boolean;
                        "is_time_tbd": boolean;
                        "is_tracked": boolean;
                        "latitude": number | null;
                        "longitude": number | null;
                        "postal_code": string | null;
                        "starts_at": string | null;
                        "starts_at_local": string | null;
                        "state": string | null;
                        "sub_category_id": number | null;
                        "timezone": string | null;
                        "tracked_since_at": string | null;
                        "venue_id": number | null;
                        "venue_name": string | null;
                        "web_path": string | null;
                    } | null;
                };
                ComputedFields: "events";
                Relationships: [
                ];
            };
            "event_live": {
                Row: {
                    "all_in_get_in": number | null;
                    "all_in_price_avg": number | null;
                    "all_in_price_avg_trimmed": number | null;
                    "all_in_price_max": number | null;
                    "all_in_price_median": number | null;
                    "all_in_price_p25": number | null;
                    "all_in_price_p75": number | null;
                    "capacity": number | null;
                    "capacity_share": number | null;
                    "captured_at": string;
                    "city": string | null;
                    "country_code": string | null;
                    "days_to_event": number | null;
                    "event_id": number;
                    "event_name": string | null;
                    "get_in": number | null;
                    "get_in_change_1h": number | null;
                    "get_in_change_24h": number | null;
                    "get_in_change_7d": number | null;
                    "interval_seconds": number | null;
                    "is_tracked": boolean | null;
                    "listings": number;
                    "listings_change_1h": number | null;
                    "listings_change_24h": number | null;
                    "listings_change_7d": number | null;
                    "pair_get_in": number | null;
                    "price_avg": number | null;
                    "price_avg_trimmed": number | null;
                    "price_max": number | null;
                    "price_median": number | null;
                    "price_median_change_1h": number | null;
                    "price_median_change_24h": number | null;
                    "price_median_change_7d": number | null;
                    "price_p25": number | null;
                    "price_p75": number | null;
                    "starts_at": string | null;
                    "starts_at_local": string | null;
                    "state": string | null;
                    "tickets": number;
                    "tickets_change_1h": number | null;
                    "tickets_change_24h": number | null;
                    "tickets_change_7d": number | null;
                    "timezone": string | null;
                    "venue_id": number | null;
                    "venue_name": string | null;
                    "events": {
                        "address": string | null;
                        "capacity": number | null;
                        "category_id": number | null;
                        "city": string | null;
                        "country_code": string | null;
                        "delay_type": string | null;
                        "event_id": number;
                        "event_name": string | null;
                        "interval_seconds": number | null;
                        "is_date_tbd": boolean;
                        "is_hidden": boolean;
                        "is_if_necessary": boolean;
                        "is_time_tbd": boolean;
                        "is_tracked": boolean;
                        "latitude": number | null;
                        "longitude": number | null;
                        "postal_code": string | null;
                        "starts_at": string | null;
                        "starts_at_local": string | null;
                        "state": string | null;
                        "sub_category_id": number | null;
                        "timezone": string | null;
                        "tracked_since_at": string | null;
                        "venue_id": number | null;
                        "venue_name": string | null;
                        "web_path": string | null;
                    } | null;
                };
                ComputedFields: "events";
                Relationships: [
                ];
            };
            "events": {
                Row: {
                    "address": string | null;
                    "capacity": number | null;
                    "category_id": number | null;
                    "city": string | null;
                    "country_code": string | null;
                    "delay_type": string | null;
                    "event_id": number;
                    "event_name": string | null;
                    "interval_seconds": number | null;
                    "is_date_tbd": boolean;
                    "is_hidden": boolean;
                    "is_if_necessary": boolean;
                    "is_time_tbd": boolean;
                    "is_tracked": boolean;
                    "latitude": number | null;
                    "longitude": number | null;
                    "postal_code": string | null;
                    "starts_at": string | null;
                    "starts_at_local": string | null;
                    "state": string | null;
                    "sub_category_id": number | null;
                    "timezone": string | null;
                    "tracked_since_at": string | null;
                    "venue_id": number | null;
                    "venue_name": string | null;
                    "web_path": string | null;
                    "performers": {
                        "category_id": number | null;
                        "category_name": string | null;
                        "event_ids": (number)[] | null;
                        "performer_id": number;
                        "performer_name": string | null;
                    } | null;
                };
                ComputedFields: "performers";
                Relationships: [
                ];
            };
            "listing_history": {
                Row: {
                    "ended_as": string;
                    "event_id": number;
                    "event_name": string | null;
                    "first_price": number;
                    "first_quantity": number;
                    "first_seen_at": string;
                    "gone_at": string | null;
                    "last_price": number;
                    "last_quantity": number;
                    "last_seen_at": string | null;
                    "lowest_price": number;
                    "price_changes": number;
                    "seat_row": string | null;
                    "section": string | null;
                    "section_id": string | null;
                    "source_listing_id": string;
                    "starts_at": string | null;
                    "zone_id": string | null;
                    "zone_name": string | null;
                    "events": {
                        "address": string | null;
                        "capacity": number | null;
                        "category_id": number | null;
                        "city": string | null;
                        "country_code": string | null;
                        "delay_type": string | null;
                        "event_id": number;
                        "event_name": string | null;
                        "interval_seconds": number | null;
                        "is_date_tbd": boolean;
                        "is_hidden": boolean;
                        "is_if_necessary": boolean;
                        "is_time_tbd": boolean;
                        "is_tracked": boolean;
                        "latitude": number | null;
                        "longitude": number | null;
                        "postal_code": string | null;
                        "starts_at": string | null;
                        "starts_at_local": string | null;
                        "state": string | null;
                        "sub_category_id": number | null;
                        "timezone": string | null;
                        "tracked_since_at": string | null;
                        "venue_id": number | null;
                        "venue_name": string | null;
                        "web_path": string | null;
                    } | null;
                };
                ComputedFields: "events";
                Relationships: [
                ];
            };
            "listings_live": {
                Row: {
                    "all_in_price": number | null;
                    "can_be_pair": boolean | null;
                    "captured_at": string | null;
                    "delivery": string | null;
                    "event_id": number;
                    "face_value": number | null;
                    "notes": string | null;
                    "price": number | null;
                    "quantity": number | null;
                    "seat_high": string | null;
                    "seat_low": string | null;
                    "seat_row": string | null;
                    "section": string | null;
                    "section_id": string | null;
                    "source_listing_id": string | null;
                    "splits": (number)[] | null;
                    "zone_id": string | null;
                    "events": {
                        "address": string | null;
                        "capacity": number | null;
                        "category_id": number | null;
                        "city": string | null;
                        "country_code": string | null;
                        "delay_type": string | null;
                        "event_id": number;
                        "event_name": string | null;
                        "interval_seconds": number | null;
                        "is_date_tbd": boolean;
                        "is_hidden": boolean;
                        "is_if_necessary": boolean;
                        "is_time_tbd": boolean;
                        "is_tracked": boolean;
                        "latitude": number | null;
                        "longitude": number | null;
                        "postal_code": string | null;
                        "starts_at": string | null;
                        "starts_at_local": string | null;
                        "state": string | null;
                        "sub_category_id": number | null;
                        "timezone": string | null;
                        "tracked_since_at": string | null;
                        "venue_id": number | null;
                        "venue_name": string | null;
                        "web_path": string | null;
                    } | null;
                };
                ComputedFields: "events";
                Relationships: [
                ];
            };
            "performers": {
                Row: {
                    "category_id": number | null;
                    "category_name": string | null;
                    "event_ids": (number)[] | null;
                    "performer_id": number;
                    "performer_name": string | null;
                };
                ComputedFields: never;
                Relationships: [
                ];
            };
            "pipeline_health": {
                Row: {
                    "captures_24h": number | null;
                    "captures_expected_24h": number | null;
                    "coverage_percent_24h": number | null;
                    "event_id": number;
                    "event_name": string | null;
                    "failures_24h": number | null;
                    "failures_by_kind_24h": Json | null;
                    "interval_seconds": number;
                    "is_tracked": boolean;
                    "lag_intervals": number | null;
                    "lag_seconds": number | null;
                    "last_captured_at": string | null;
                    "last_failed_at": string | null;
                    "last_failure_kind": string | null;
                    "last_failure_message": string | null;
                    "stale_hours": number | null;
                    "stale_since_at": string | null;
                    "starts_at": string | null;
                    "events": {
                        "address": string | null;
                        "capacity": number | null;
                        "category_id": number | null;
                        "city": string | null;
                        "country_code": string | null;
                        "delay_type": string | null;
                        "event_id": number;
                        "event_name": string | null;
                        "interval_seconds": number | null;
                        "is_date_tbd": boolean;
                        "is_hidden": boolean;
                        "is_if_necessary": boolean;
                        "is_time_tbd": boolean;
                        "is_tracked": boolean;
                        "latitude": number | null;
                        "longitude": number | null;
                        "postal_code": string | null;
                        "starts_at": string | null;
                        "starts_at_local": string | null;
                        "state": string | null;
                        "sub_category_id": number | null;
                        "timezone": string | null;
                        "tracked_since_at": string | null;
                        "venue_id": number | null;
                        "venue_name": string | null;
                        "web_path": string | null;
                    } | null;
                };
                ComputedFields: "events";
                Relationships: [
                ];
            };
            "section_analytics": {
                Row: {
                    "all_in_get_in_close": number | null;
                    "all_in_get_in_high": number | null;
                    "all_in_get_in_low": number | null;
                    "all_in_get_in_open": number | null;
                    "all_in_price_avg": number | null;
                    "all_in_price_avg_trimmed": number | null;
                    "all_in_price_max": number | null;
                    "all_in_price_median": number | null;
                    "all_in_price_p25": number | null;
                    "all_in_price_p75": number | null;
                    "captures": number;
                    "captures_expected": number;
                    "day": string;
                    "event_id": number;
                    "first_captured_at": string;
                    "get_in_close": number | null;
                    "get_in_high": number | null;
                    "get_in_low": number | null;
                    "get_in_open": number | null;
                    "is_final": boolean | null;
                    "last_captured_at": string;
                    "listings_added": number | null;
                    "listings_avg": number;
                    "listings_close": number;
                    "listings_gone": number | null;
                    "listings_open": number;
                    "listings_relisted": number | null;
                    "listings_repriced_down": number | null;
                    "listings_repriced_up": number | null;
                    "pair_get_in": number | null;
                    "price_avg": number | null;
                    "price_avg_trimmed": number | null;
                    "price_max": number | null;
                    "price_median": number | null;
                    "price_p25": number | null;
                    "price_p75": number | null;
                    "section_id": string;
                    "section_name": string | null;
                    "sold_value_est": number | null;
                    "tickets_avg": number;
                    "tickets_close": number;
                    "tickets_gone": number | null;
                    "tickets_open": number;
                    "tickets_sold_est": number | null;
                    "events": {
                        "address": string | null;
                        "capacity": number | null;
                        "category_id": number | null;
                        "city": string | null;
                        "country_code": string | null;
                        "delay_type": string | null;
                        "event_id": number;
                        "event_name": string | null;
                        "interval_seconds": number | null;
                        "is_date_tbd": boolean;
                        "is_hidden": boolean;
                        "is_if_necessary": boolean;
                        "is_time_tbd": boolean;
                        "is_tracked": boolean;
                        "latitude": number | null;
                        "longitude": number | null;
                        "postal_code": string | null;
                        "starts_at": string | null;
                        "starts_at_local": string | null;
                        "state": string | null;
                        "sub_category_id": number | null;
                        "timezone": string | null;
                        "tracked_since_at": string | null;
                        "venue_id": number | null;
                        "venue_name": string | null;
                        "web_path": string | null;
                    } | null;
                };
                ComputedFields: "events";
                Relationships: [
                ];
            };
            "zone_analytics": {
                Row: {
                    "all_in_get_in_close": number | null;
                    "all_in_get_in_high": number | null;
                    "all_in_get_in_low": number | null;
                    "all_in_get_in_open": number | null;
                    "all_in_price_avg": number | null;
                    "all_in_price_avg_trimmed": number | null;
                    "all_in_price_max": number | null;
                    "all_in_price_median": number | null;
                    "all_in_price_p25": number | null;
                    "all_in_price_p75": number | null;
                    "captures": number;
                    "captures_expected": number;
                    "event_id": number;
                    "first_captured_at": string;
                    "get_in_close": number | null;
                    "get_in_high": number | null;
                    "get_in_low": number | null;
                    "get_in_open": number | null;
                    "hour": string;
                    "is_final": boolean | null;
                    "last_captured_at": string;
                    "listings_added": number | null;
                    "listings_avg": number;
                    "listings_close": number;
                    "listings_gone": number | null;
                    "listings_open": number;
                    "listings_relisted": number | null;
                    "listings_repriced_down": number | null;
                    "listings_repriced_up": number | null;
                    "pair_get_in": number | null;
                    "price_avg": number | null;
                    "price_avg_trimmed": number | null;
                    "price_max": number | null;
                    "price_median": number | null;
                    "price_p25": number | null;
                    "price_p75": number | null;
                    "sold_value_est": number | null;
                    "tickets_avg": number;
                    "tickets_close": number;
                    "tickets_gone": number | null;
                    "tickets_open": number;
                    "tickets_sold_est": number | null;
                    "zone_id": string;
                    "zone_name": string | null;
                    "events": {
                        "address": string | null;
                        "capacity": number | null;
                        "category_id": number | null;
                        "city": string | null;
                        "country_code": string | null;
                        "delay_type": string | null;
                        "event_id": number;
                        "event_name": string | null;
                        "interval_seconds": number | null;
                        "is_date_tbd": boolean;
                        "is_hidden": boolean;
                        "is_if_necessary": boolean;
                        "is_time_tbd": boolean;
                        "is_tracked": boolean;
                        "latitude": number | null;
                        "longitude": number | null;
                        "postal_code": string | null;
                        "starts_at": string | null;
                        "starts_at_local": string | null;
                        "state": string | null;
                        "sub_category_id": number | null;
                        "timezone": string | null;
                        "tracked_since_at": string | null;
                        "venue_id": number | null;
                        "venue_name": string | null;
                        "web_path": string | null;
                    } | null;
                };
                ComputedFields: "events";
                Relationships: [
                ];
            };
        };
        Functions: {
            "cheapest_by_zone": {
                Args: {
                    "at"?: string;
                    "event_id": number;
                };
                Returns: {
                    "all_in_get_in": number;
                    "captured_at": string;
                    "get_in": number;
                    "listings": number;
                    "pair_get_in": number;
                    "tickets": number;
                    "zone_id": string;
                    "zone_name": string;
                }[];
            };
            "compare_events": {
                Args: {
                    "event_ids": (number)[];
                    "from_days_to_event"?: number;
                    "granularity"?: string;
                    "to_days_to_event"?: number;
                };
                Returns: {
                    "all_in_get_in_close": number;
                    "all_in_get_in_high": number;
                    "all_in_get_in_low": number;
                    "all_in_get_in_open": number;
                    "all_in_price_avg": number;
                    "all_in_price_avg_trimmed": number;
                    "all_in_price_max": number;
                    "all_in_price_median": number;
                    "all_in_price_p25": number;
                    "all_in_price_p75": number;
                    "at": string;
                    "captures": number;
                    "captures_expected": number;
                    "days_to_event": number;
                    "event_id": number;
                    "event_name": string;
                    "first_captured_at": string;
                    "get_in_close": number;
                    "get_in_high": number;
                    "get_in_low": number;
                    "get_in_open": number;
                    "hours_to_event": number;
                    "is_final": boolean;
                    "last_captured_at": string;
                    "listings_added": number;
                    "listings_avg": number;
                    "listings_close": number;
                    "listings_gone": number;
                    "listings_open": number;
                    "listings_relisted": number;
                    "listings_repriced_down": number;
                    "listings_repriced_up": number;
                    "pair_get_in": number;
                    "price_avg": number;
                    "price_avg_trimmed": number;
                    "price_max": number;
                    "price_median": number;
                    "price_p25": number;
                    "price_p75": number;
                    "sold_value_est": number;
                    "tickets_avg": number;
                    "tickets_close": number;
                    "tickets_gone": number;
                    "tickets_open": number;
                    "tickets_sold_est": number;
                }[];
            };
            "event_summary": {
                Args: {
                    "event_id": number;
                };
                Returns: {
                    "all_in_get_in": number;
                    "all_in_price_median": number;
                    "capacity": number;
                    "captured_at": string;
                    "captures_24h": number;
                    "captures_expected_24h": number;
                    "captures_total": number;
                    "category_id": number;
                    "city": string;
                    "country_code": string;
                    "days_captured": number;
                    "days_to_event": number;
                    "event_name": string;
                    "first_captured_at": string;
                    "get_in": number;
                    "get_in_24h_ago": number;
                    "get_in_7d_ago": number;
                    "get_in_highest": number;
                    "get_in_highest_on": string;
                    "get_in_lowest": number;
                    "get_in_lowest_on": string;
                    "interval_seconds": number;
                    "is_tracked": boolean;
                    "listings": number;
                    "listings_added_24h": number;
                    "listings_gone_24h": number;
                    "pair_get_in": number;
                    "price_median": number;
                    "sold_value_est_24h": number;
                    "sold_value_est_total": number;
                    "starts_at": string;
                    "starts_at_local": string;
                    "state": string;
                    "tickets": number;
                    "tickets_sold_est_24h": number;
                    "tickets_sold_est_total": number;
                    "timezone": string;
                    "venue_id": number;
                    "venue_name": string;
                }[];
            };
            "events": {
                Args: {
                    "": Database["public"]["Views"]["aggregated_analytics"]["Row"];
                };
                Returns: {
                    error: true;
                } & "the function public.events with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
                SetofOptions: {
                    from: "aggregated_analytics";
                    to: "events";
                    isOneToOne: true;
                    isSetofReturn: true;
                };
            } | {
                Args: {
                    "": Database["public"]["Views"]["daily_analytics"]["Row"];
                };
                Returns: {
                    error: true;
                } & "the function public.events with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
                SetofOptions: {
                    from: "daily_analytics";
                    to: "events";
                    isOneToOne: true;
                    isSetofReturn: true;
                };
            } | {
                Args: {
                    "": Database["public"]["Views"]["event_live"]["Row"];
                };
                Returns: {
                    error: true;
                } & "the function public.events with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
                SetofOptions: {
                    from: "event_live";
                    to: "events";
                    isOneToOne: true;
                    isSetofReturn: true;
                };
            } | {
                Args: {
                    "": Database["public"]["Views"]["listing_history"]["Row"];
                };
                Returns: {
                    error: true;
                } & "the function public.events with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
                SetofOptions: {
                    from: "listing_history";
                    to: "events";
                    isOneToOne: true;
                    isSetofReturn: true;
                };
            } | {
                Args: {
                    "": Database["public"]["Views"]["listings_live"]["Row"];
                };
                Returns: {
                    error: true;
                } & "the function public.events with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
                SetofOptions: {
                    from: "listings_live";
                    to: "events";
                    isOneToOne: true;
                    isSetofReturn: true;
                };
            } | {
                Args: {
                    "": Database["public"]["Views"]["pipeline_health"]["Row"];
                };
                Returns: {
                    error: true;
                } & "the function public.events with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
                SetofOptions: {
                    from: "pipeline_health";
                    to: "events";
                    isOneToOne: true;
                    isSetofReturn: true;
                };
            } | {
                Args: {
                    "": Database["public"]["Views"]["section_analytics"]["Row"];
                };
                Returns: {
                    error: true;
                } & "the function public.events with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
                SetofOptions: {
                    from: "section_analytics";
                    to: "events";
                    isOneToOne: true;
                    isSetofReturn: true;
                };
            } | {
                Args: {
                    "": Database["public"]["Views"]["zone_analytics"]["Row"];
                };
                Returns: {
                    error: true;
                } & "the function public.events with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
                SetofOptions: {
                    from: "zone_analytics";
                    to: "events";
                    isOneToOne: true;
                    isSetofReturn: true;
                };
            };
            "listings_at": {
                Args: {
                    "after_price"?: number;
                    "after_source_listing_id"?: string;
                    "at"?: string;
                    "event_id": number;
                };
                Returns: {
                    "all_in_price": number;
                    "can_be_pair": boolean;
                    "captured_at": string;
                    "delivery": string;
                    "face_value": number;
                    "notes": string;
                    "price": number;
                    "quantity": number;
                    "seat_high": string;
                    "seat_low": string;
                    "seat_row": string;
                    "section": string;
                    "section_id": string;
                    "source_listing_id": string;
                    "splits": (number)[];
                    "zone_id": string;
                }[];
            };
            "market_changes": {
                Args: {
                    "after_cursor"?: string;
                    "event_id": number;
                    "max_changes"?: number;
                    "since"?: string;
                };
                Returns: {
                    "all_in_price": number;
                    "can_be_pair": boolean;
                    "captured_at": string;
                    "change": string;
                    "cursor": string;
                    "delivery": string;
                    "face_value": number;
                    "load_number": number;
                    "notes": string;
                    "previous_all_in_price": number;
                    "previous_price": number;
                    "previous_quantity": number;
                    "price": number;
                    "quantity": number;
                    "seat_high": string;
                    "seat_low": string;
                    "seat_row": string;
                    "section": string;
                    "section_id": string;
                    "source_listing_id": string;
                    "splits": (number)[];
                    "zone_id": string;
                }[];
            };
            "pair_get_in": {
                Args: {
                    "event_id": number;
                };
                Returns: {
                    "all_in_get_in": number;
                    "all_in_pair_get_in": number;
                    "captured_at": string;
                    "get_in": number;
                    "listings": number;
                    "pair_get_in": number;
                    "pair_listings": number;
                }[];
            };
            "performers": {
                Args: {
                    "": Database["public"]["Views"]["events"]["Row"];
                };
                Returns: {
                    error: true;
                } & "the function public.performers with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
                SetofOptions: {
                    from: "events";
                    to: "performers";
                    isOneToOne: false;
                    isSetofReturn: true;
                };
            };
            "price_distribution": {
                Args: {
                    "at"?: string;
                    "bins"?: number;
                    "event_id": number;
                    "price"?: string;
                    "up_to_price"?: number;
                };
                Returns: {
                    "bin": number;
                    "captured_at": string;
                    "from_price": number;
                    "listings": number;
                    "tickets": number;
                    "to_price": number;
                }[];
            };
            "price_history": {
                Args: {
                    "event_id": number;
                    "from_at"?: string;
                    "granularity"?: string;
                    "to_at"?: string;
                };
                Returns: {
                    "all_in_get_in_close": number;
                    "all_in_get_in_high": number;
                    "all_in_get_in_low": number;
                    "all_in_get_in_open": number;
                    "all_in_price_avg": number;
                    "all_in_price_avg_trimmed": number;
                    "all_in_price_max": number;
                    "all_in_price_median": number;
                    "all_in_price_p25": number;
                    "all_in_price_p75": number;
                    "at": string;
                    "captures": number;
                    "captures_expected": number;
                    "first_captured_at": string;
                    "get_in_close": number;
                    "get_in_high": number;
                    "get_in_low": number;
                    "get_in_open": number;
                    "is_final": boolean;
                    "last_captured_at": string;
                    "listings_added": number;
                    "listings_avg": number;
                    "listings_close": number;
                    "listings_gone": number;
                    "listings_open": number;
                    "listings_relisted": number;
                    "listings_repriced_down": number;
                    "listings_repriced_up": number;
                    "pair_get_in": number;
                    "price_avg": number;
                    "price_avg_trimmed": number;
                    "price_max": number;
                    "price_median": number;
                    "price_p25": number;
                    "price_p75": number;
                    "sold_value_est": number;
                    "tickets_avg": number;
                    "tickets_close": number;
                    "tickets_gone": number;
                    "tickets_open": number;
                    "tickets_sold_est": number;
                }[];
            };
            "search_events": {
                Args: {
                    "after_event_id"?: number;
                    "max_events"?: number;
                    "q": string;
                };
                Returns: {
                    "all_in_get_in": number;
                    "captured_at": string;
                    "category_id": number;
                    "city": string;
                    "country_code": string;
                    "event_id": number;
                    "event_name": string;
                    "get_in": number;
                    "is_tracked": boolean;
                    "listings": number;
                    "starts_at": string;
                    "starts_at_local": string;
                    "state": string;
                    "tickets": number;
                    "timezone": string;
                    "venue_id": number;
                    "venue_name": string;
                }[];
            };
            "top_movers": {
                Args: {
                    "at"?: string;
                    "direction"?: string;
                    "lookback"?: string;
                    "max_events"?: number;
                    "metric"?: string;
                    "min_listings"?: number;
                };
                Returns: {
                    "captured_at": string;
                    "change": number;
                    "change_percent": number;
                    "city": string;
                    "compared_at": string;
                    "earlier_value": number;
                    "event_id": number;
                    "event_name": string;
                    "listings": number;
                    "starts_at": string;
                    "value": number;
                    "venue_name": string;
                }[];
            };
        };
        Enums: {
            [_ in never]: never;
        };
        CompositeTypes: {
            [_ in never]: never;
        };
    };
};
type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">;
type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">];
export type Tables<DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"]) | {
    schema: keyof DatabaseWithoutInternals;
}, TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]) : never = never> = DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])[TableName] extends {
    Row: infer R;
} ? R : never : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"]) ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
    Row: infer R;
} ? R : never : never;
export type TablesInsert<DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"] | {
    schema: keyof DatabaseWithoutInternals;
}, TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] : never = never> = DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Insert: infer I;
} ? I : never : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"] ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
    Insert: infer I;
} ? I : never : never;
export type TablesUpdate<DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"] | {
    schema: keyof DatabaseWithoutInternals;
}, TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] : never = never> = DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Update: infer U;
} ? U : never : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"] ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
    Update: infer U;
} ? U : never : never;
export type Enums<DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"] | {
    schema: keyof DatabaseWithoutInternals;
}, EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"] : never = never> = DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName] : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"] ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions] : never;
export type CompositeTypes<PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"] | {
    schema: keyof DatabaseWithoutInternals;
}, CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"] : never = never> = PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
} ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName] : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"] ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions] : never;
export const Constants = {
    "public": {
        Enums: {}
    }
} as const;
