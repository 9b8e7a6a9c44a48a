package gateway

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	rpcv1 "github.com/hengdai/hengdai/api/rpc/v1"
)

// Exposed is every proto service with a way in. Adding a service to the API is a line here.
var Exposed = []string{
	"gateway.v1.Public", "gateway.v1.Staff",
	"user.v1.Public", "user.v1.Staff",
	"loan.v1.Public", "loan.v1.Staff",
	"risk.v1.Staff",
	"payment.v1.Staff",
	"collection.v1.Staff",
	"notify.v1.Public", "notify.v1.Staff",
	"report.v1.Staff",
}

// Callbacks answers every path at which an outside party may call back, and the service that owns it: one for each
// payment channel of the program. The service checks the party's signature.
func Callbacks(channels []string) map[string]Callback {
	open := map[string]Callback{"/callbacks/notify/sms": {Service: "notify", Party: "sms"}}
	for _, name := range channels {
		open["/callbacks/payment/"+name] = Callback{Service: "payment", Party: name}
	}
	return open
}

// Callback says who calls back and to whom.
type Callback struct{ Service, Party string }

// signIn is the methods that send codes and open sessions: what is tried by those who guess.
var signIn = map[string]bool{
	"user.v1.Public/SendCode": true, "user.v1.Public/Login": true, "user.v1.Staff/StaffLogin": true,
}

// method is what the gateway knows of one exposed method.
type method struct {
	name      string // "loan.v1.Public/Quote"
	peer      string // "loan"
	anonymous bool   // may be called without a session
}

// methodsOf finds the methods of the exposed services among the generated code of the program. A service that is not
// there is an error: a table that promises it would lie.
func methodsOf(exposed []string) (map[string]method, []protoreflect.ServiceDescriptor, error) {
	methods := map[string]method{}
	var services []protoreflect.ServiceDescriptor
	for _, name := range exposed {
		if strings.HasSuffix(name, ".Internal") || strings.HasPrefix(name, "control.") {
			return nil, nil, fmt.Errorf("%s is never exposed", name)
		}
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			return nil, nil, fmt.Errorf("exposed service %s is not part of the program: %w", name, err)
		}
		service, ok := found.(protoreflect.ServiceDescriptor)
		if !ok {
			return nil, nil, fmt.Errorf("%s is not a service", name)
		}
		services = append(services, service)
		for i := range service.Methods().Len() {
			m := service.Methods().Get(i)
			known := method{name: name + "/" + string(m.Name()), peer: peerOf(name)}
			access, _ := proto.GetExtension(m.Options(), rpcv1.E_Access).(*rpcv1.Access)
			for _, caller := range access.GetCallers() {
				known.anonymous = known.anonymous || caller == rpcv1.Caller_CALLER_ANONYMOUS
			}
			methods["/"+known.name] = known
		}
	}
	return methods, services, nil
}

// peerOf answers the service that serves a proto service: "loan" of "loan.v1.Public".
func peerOf(name string) string {
	peer, _, _ := strings.Cut(name, ".")
	return peer
}
