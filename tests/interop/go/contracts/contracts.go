// Package contracts registers every message of the contracts.
package contracts

import (
	_ "github.com/Combine-Capital/cqc/gen/go/cqc/assets/v1"
	_ "github.com/Combine-Capital/cqc/gen/go/cqc/auth/v1"
	_ "github.com/Combine-Capital/cqc/gen/go/cqc/config/v1"
	_ "github.com/Combine-Capital/cqc/gen/go/cqc/events/v1"
	_ "github.com/Combine-Capital/cqc/gen/go/cqc/identifiers/v1"
	_ "github.com/Combine-Capital/cqc/gen/go/cqc/infrastructure/v1"
	_ "github.com/Combine-Capital/cqc/gen/go/cqc/markets/v1"
	_ "github.com/Combine-Capital/cqc/gen/go/cqc/observability/v1"
	_ "github.com/Combine-Capital/cqc/gen/go/cqc/portfolio/v1"
	_ "github.com/Combine-Capital/cqc/gen/go/cqc/risk/v1"
	_ "github.com/Combine-Capital/cqc/gen/go/cqc/services/v1"
	_ "github.com/Combine-Capital/cqc/gen/go/cqc/venues/v1"
)
