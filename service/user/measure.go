package user

import "github.com/hengdai/hengdai/kit/telemetry"

// Surveys are the gauges of the queue.
func (s *Service) Surveys() []telemetry.Survey {
	return []telemetry.Survey{s.queue.Survey("user")}
}
