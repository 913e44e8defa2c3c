-- What recent days say, whatever the metric.

-- queries silent_days, official_lists and latest_days
CREATE INDEX claims_by_day ON claims (as_of);
