// All 65,536 pairs of operands in all 9 pairs of formats, one product a vector: FP32 results, in order, to a file.
module fp8_mac_exhaustive;
    reg         clk   = 1'b0;
    reg         rst   = 1'b1;
    reg         valid = 1'b0;
    reg  [20:0] index = 21'd0;  // format of b, format of a, b, a: counts to 3 * 3 * 2^16, formats base 3
    reg  [1:0]  a_format = 2'd0;
    reg  [1:0]  b_format = 2'd0;
    wire        ready, result_valid;
    wire [39:0] result;
    wire        last = index == 21'h8ffff;
    reg  [1023:0] path;
    integer     file;

    fp8_mac dut (
        .clk_i(clk), .rst_i(rst), .x_valid_i(valid), .x_ready_o(ready),
        .x_data_i({1'b1, b_format[1] ? 6'd15 : 6'd7, a_format[1] ? 6'd15 : 6'd7, b_format, a_format, index[15:0]}),
        .y_valid_o(result_valid), .y_ready_i(1'b1), .y_data_o(result)
    );

    initial begin
        if (!$value$plusargs("results=%s", path)) $finish;
        file = $fopen(path, "w");
    end
    always #5 clk = !clk;
    always @(negedge clk) begin
        rst   <= 1'b0;
        valid <= !rst;
    end
    always @(posedge clk) if (!rst) begin
        if (result_valid) begin
            $fdisplay(file, "%h", result);
            if (index[15:0] == 16'd0 && a_format == 2'd0 && b_format == 2'd3) begin
                $fclose(file);
                $finish;
            end
        end
        if (valid && ready) begin
            index <= index + 21'd1;
            if (index[15:0] == 16'hffff) begin
                a_format <= (a_format == 2'd2) ? 2'd0 : a_format + 2'd1;
                if (a_format == 2'd2) b_format <= b_format + 2'd1;
            end
        end
    end
endmodule
