// Package grpc_rules lists the rules of the contracts that a message breaks.
package grpc_rules

import (
	"errors"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
)

// Violations is the field, rule and text of each broken rule; empty when the message is valid.
func Violations(message proto.Message) ([]*errdetails.BadRequest_FieldViolation, error) {
	err := protovalidate.Validate(message)
	if err == nil {
		return nil, nil
	}
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return nil, err
	}
	found := []*errdetails.BadRequest_FieldViolation{}
	for _, each := range invalid.Violations {
		found = append(found, &errdetails.BadRequest_FieldViolation{
			Field:       protovalidate.FieldPathString(each.Proto.GetField()),
			Reason:      each.Proto.GetRuleId(),
			Description: each.Proto.GetMessage(),
		})
	}
	return found, nil
}
